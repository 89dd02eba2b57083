// What a visitor can cause or cure. `status` is that of the server's answer, 0 where there was none.

export class Fault extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}
