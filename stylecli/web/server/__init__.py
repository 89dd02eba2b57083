"""The server of the page: who may call, and what each call does."""
