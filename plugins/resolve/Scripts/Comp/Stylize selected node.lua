-- Stylize the selected node over the render range: a Saver writes its frames, stylecli paints them, a Loader shows them.

-- include stylecli.lua

local QUIET = 524288 -- of RenderFlags: no message at the end, where the host knows it
local AUTOMATIC = -32768 -- a position that the host chooses
local POLL_MS = 200
local MESSAGE_SECONDS = 600 -- for the user to close a message of the host

-- One frame as the Saver names it.
local function frame_name(number)
    return ("frame_%04d.exr"):format(number)
end

local function frames_missing(folder, first, last)
    for number = first, last do
        local content = stylecli.read(stylecli.join(folder, frame_name(number)))
        if not content or #content == 0 then
            return frame_name(number)
        end
    end
end

-- Wait until no message is shown, as at the end of a render: meanwhile every call does nothing and returns nil.
local function wait_for_host(composition)
    local deadline = os.time() + MESSAGE_SECONDS
    while composition:GetAttrs("COMPN_RenderStart") == nil do
        if os.time() >= deadline then
            error("the host does not answer: close its message, then try again", 0)
        end
        stylecli.sleep(POLL_MS)
    end
end

-- Render a tool to EXR files; an error with a message if one is missing afterwards, whatever the host says.
local function save_frames(composition, tool, folder, first, last)
    composition:SetActiveTool(nil) -- new tools join it otherwise
    composition:Lock() -- else a dialog asks for a file
    local saver = composition:AddTool("Saver", AUTOMATIC, AUTOMATIC)
    composition:Unlock() -- values that are set while it is locked do not count
    if not saver then
        error("a Saver cannot be added", 0)
    end
    local is_safe, fault = pcall(function()
        if not saver:ConnectInput("Input", tool) then
            error("the Saver cannot be connected", 0)
        end
        saver:SetInput("Clip", stylecli.join(folder, "frame_.exr"))
        saver:SetInput("OutputFormat", "OpenEXRFormat")
        composition:Render({ Tool = saver, Start = first, End = last, Wait = true, RenderFlags = QUIET })
        wait_for_host(composition)
    end)
    saver:Delete()
    if not is_safe then
        error(fault, 0)
    end
    local missing = frames_missing(folder, first, last)
    if missing then
        error(("the Saver has not written %s"):format(missing), 0)
    end
end

local function show_frames(composition, tool, folder, first, last, style)
    composition:SetActiveTool(nil)
    composition:Lock()
    local loader = composition:AddTool("Loader", AUTOMATIC, AUTOMATIC)
    composition:Unlock()
    if not loader then
        error("a Loader cannot be added", 0)
    end
    loader:SetInput("Clip", stylecli.join(folder, frame_name(first)))
    loader:SetInput("GlobalOut", last)
    loader:SetInput("GlobalIn", first)
    local name = ("Styled_%s_%s"):format(tool:GetAttrs("TOOLS_Name"), style:gsub("%W", "_"))
    loader:SetAttrs({ TOOLS_Name = name, TOOLB_NameSet = true })
    return name
end

local function remove_frames(folder, first, last)
    for number = first, last do
        os.remove(stylecli.join(folder, frame_name(number)))
    end
    os.remove(folder)
end

local function stylize(composition, config)
    local tool = composition.ActiveTool or composition:GetToolList(true)[1]
    if not tool then
        error("Select the node to be stylized", 0)
    end
    local first = composition:GetAttrs("COMPN_RenderStart")
    local last = composition:GetAttrs("COMPN_RenderEnd")
    if first < 0 then
        error("The render range begins before frame 0: move it", 0)
    end
    local choices = stylecli.ask(config, composition)
    if not choices then
        return "Cancelled"
    end
    local identifier = stylecli.identifier()
    local work = stylecli.join(stylecli.join(config.folder, "jobs"), identifier)
    local frames, results = stylecli.join(work, "in"), stylecli.join(config.results, identifier)
    bmd.createdir(frames)

    local is_safe, fault = pcall(save_frames, composition, tool, frames, first, last)
    composition:SetAttrs({ COMPN_RenderStart = first, COMPN_RenderEnd = last }) -- rendering has moved them
    local words = { "image", stylecli.join(frames, ("frame_[%04d-%04d].exr"):format(first, last)), "--output", results }
    words[#words + 1] = "--color"
    words[#words + 1] = choices.linear and "linear" or "encoded"
    for _, word in ipairs(stylecli.words_of(choices)) do
        words[#words + 1] = word
    end
    if is_safe then
        is_safe, fault = stylecli.launch(config, work, words)
    end
    if is_safe then
        while not stylecli.status(work) do
            stylecli.sleep(POLL_MS)
        end
        if stylecli.status(work) ~= 0 then
            is_safe, fault = false, stylecli.last_words(work)
        end
    end
    for number = first, last do
        if is_safe and not bmd.fileexists(stylecli.join(results, frame_name(number))) then
            is_safe, fault = false, frame_name(number) .. " was not painted"
        end
    end
    remove_frames(frames, first, last)
    for _, name in ipairs({ "log.txt", "status", "run.sh", "run.cmd" }) do
        os.remove(stylecli.join(work, name))
    end
    os.remove(work)
    if not is_safe then
        error(fault, 0)
    end
    return "Added " .. show_frames(composition, tool, results, first, last, stylecli.style_in_name(choices))
end

local composition = rawget(_G, "comp") or rawget(_G, "composition")
local config, message = stylecli.config()
if not composition then
    message = "Open a composition on the Fusion page first"
elseif config then
    composition:StartUndo("Stylize")
    local is_done
    is_done, message = pcall(stylize, composition, config)
    composition:EndUndo(is_done)
end
print("Stylize: " .. message)
