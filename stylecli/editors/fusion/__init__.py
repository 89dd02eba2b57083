"""A stand-in for Fusion, which runs the fuse of `plugins/resolve` in real LuaJIT without DaVinci Resolve."""
