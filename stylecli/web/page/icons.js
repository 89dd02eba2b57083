// Icons as outlines on a grid of 24 units.

const PATHS = {
  open: "M12 16V4m0 0L7 9m5-5 5 5M4 15v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3",
  camera: "M4 8h3l2-3h6l2 3h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1Zm8 8.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 0v18M13.500 3.500v17M15 4v16m1.500-15.500v15M18 5.500v13m1.500-11v9",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Zm0-5v2m0 14v2M3 12h2m14 0h2M5.600 5.600 7 7m10 10 1.400 1.400m0-12.800L17 7M7 17l-1.400 1.400",
  dark: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z",
  back: "M15 5l-7 7 7 7",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  download: "M12 4v12m0 0 5-5m-5 5-5-5M4 20h16",
  brush: "M14 6l4 4-8.500 8.500c-1.500 1.500-4 1.500-6 1 1-1 1-2 1.500-3.500S6 14 6 14l8-8Zm0 0 2-2a2.800 2.800 0 0 1 4 4l-2 2",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  play: "M7 5l12 7-12 7z",
  pause: "M8 5v14M16 5v14",
  handle: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4.200 4.200 0 0 0-6-6l-1 1m2 4a4 4 0 0 0-6 0l-3 3a4.200 4.200 0 0 0 6 6l1-1",
};

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
