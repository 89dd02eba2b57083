-- Try what the plug-in depends on in this host, and write a report to send in. The composition stays as it was.

-- include stylecli.lua

local results = {}

local function try(name, check)
    local is_safe, value = pcall(check)
    results[#results + 1] = { name = name, works = is_safe and value ~= nil and value ~= false, says = tostring(value) }
end

local config, fault = stylecli.config()
local composition = rawget(_G, "comp") or rawget(_G, "composition")
if not config then
    print("Stylize: " .. fault)
else
    local function in_folder(name)
        return stylecli.join(config.folder, name)
    end
    try("LuaJIT", function()
        return jit.version .. " on " .. jit.os
    end)
    try("product", function()
        local application = rawget(_G, "resolve")
        return application and application:GetProductName() .. " " .. application:GetVersionString() or "Fusion"
    end)
    try("files: write, rename, remove", function()
        local one, two = in_folder("self-test.a"), in_folder("self-test.b")
        local is_renamed = stylecli.write(one, "a\0b\n") and os.rename(one, two)
        local content = stylecli.read(two)
        os.remove(two)
        return is_renamed and content == "a\0b\n"
    end)
    try("sleep", function()
        stylecli.sleep(1)
        return true
    end)
    try("worker", function()
        local how = {
            timeout = 60,
            is_aborted = function()
                return false
            end,
        }
        local is_ready, reason = stylecli.ready(config, how)
        return is_ready and stylecli.worker(config).version or error(reason, 0)
    end)
    for _, name in ipairs({ "fileexists", "createdir", "readdir", "openfileexternal" }) do
        try("bmd." .. name, function()
            return bmd[name]
        end)
    end
    try("EXRIO", function()
        return EXRIO
    end)
    if composition then
        try("AskUser", function()
            return composition.AskUser
        end)
        try("render range", function()
            return composition:GetAttrs("COMPN_RenderStart") .. " to " .. composition:GetAttrs("COMPN_RenderEnd")
        end)
        try("Saver and Loader", function()
            composition:StartUndo("Self-test")
            composition:SetActiveTool(nil)
            composition:Lock()
            local saver, loader = composition:AddTool("Saver", -32768, -32768), composition:AddTool("Loader", -32768, -32768)
            composition:Unlock()
            local is_there = saver ~= nil and loader ~= nil
            if saver then
                saver:Delete()
            end
            if loader then
                loader:Delete()
            end
            composition:EndUndo(false)
            return is_there
        end)
    end
    local report = { version = config.version, results = results }
    local is_written, reason = stylecli.write(in_folder("self-test.json"), stylecli.encode(report))
    for _, one in ipairs(results) do
        print(("Stylize self-test: %s: %s (%s)"):format(one.name, one.works and "works" or "DOES NOT WORK", one.says))
    end
    print("Stylize self-test: " .. (is_written and "report in " .. in_folder("self-test.json") or reason))
end
