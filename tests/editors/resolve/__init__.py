"""The plug-in for DaVinci Resolve, without Resolve: real LuaJIT, a strict host, the real worker."""
