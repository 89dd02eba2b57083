-- A strict stand-in for the scripting side of Resolve and Fusion, with the habits of both that users have reported.
local options = ...
local vocabulary, python, quirks = options.vocabulary, options.python, options.quirks
local events, printed = {}, {}

local function fail(...)
    error("strict host: " .. string.format(...), 0)
end

local function told(...)
    events[#events + 1] = string.format(...)
end

local silent_calls = 0 -- that do nothing and return nil: a message is shown

-- An object of a class. members: functions, or values that are no methods.
local function object(class, members)
    local names = vocabulary[class]
    for name in pairs(members) do
        if names[name] == nil then
            fail("%s.%s is not documented", class, name)
        end
    end
    local me = {}
    return setmetatable(me, {
        __index = function(_, name)
            local arity = names[name] or fail("%s.%s is not documented", class, name)
            local member = members[name]
            if type(arity) == "string" then
                return type(member) == "function" and member() or nil
            end
            return function(given, ...)
                local count = select("#", ...)
                if class == "bmd" then -- its functions are no methods
                    count = count + 1
                    if count < arity[1] or count > arity[2] then
                        fail("bmd.%s with %d arguments", name, count)
                    end
                    return member(given, ...)
                end
                if given ~= me or count < arity[1] or count > arity[2] then
                    fail("%s:%s with %d arguments", class, name, count)
                end
                if silent_calls > 0 then
                    silent_calls = silent_calls - 1
                    return nil
                end
                return (member or fail("%s:%s is not built", class, name))(...)
            end
        end,
        __newindex = function(_, name)
            fail("%s.%s cannot be set", class, tostring(name))
        end,
    })
end

-- Fusion ---------------------------------------------------------------------------------------------------------------

local is_locked = false
local ranges = { COMPN_RenderStart = options.first, COMPN_RenderEnd = options.last }
local tools = {}

local function new_tool(kind, name)
    local inputs, attributes = {}, { TOOLS_Name = name, TOOLS_RegID = kind }
    local tool
    tool = object("tool", {
        SetInput = function(id, value)
            if not is_locked then -- values set under Lock are stored, and have no effect
                inputs[id] = value
                told("%s.%s = %s", kind, id, tostring(value))
            end
        end,
        ConnectInput = function(id, source)
            inputs[id] = not quirks.no_connection and source or nil
            return not quirks.no_connection
        end,
        Delete = function()
            tools[tool] = nil
            told("delete %s", kind)
        end,
        GetAttrs = function(key)
            return attributes[key]
        end,
        SetAttrs = function(values)
            for key, value in pairs(values) do
                attributes[key] = value
            end
        end,
    })
    tools[tool] = { kind = kind, inputs = inputs, attributes = attributes }
    return tool
end

local selected = options.has_selection and new_tool("Blur", "Blur1") or nil
local active = selected

local comp = options.has_comp and object("comp", {
    AskUser = function(_, rows)
        for _, row in ipairs(rows) do
            if not ({ Dropdown = 1, Slider = 1, Checkbox = 1, Text = 1 })[row[2]] then
                fail("AskUser has no %s", tostring(row[2]))
            end
        end
        return options.answer
    end,
    GetAttrs = function(key)
        return ranges[key]
    end,
    SetAttrs = function(values)
        for key, value in pairs(values) do
            ranges[key] = value
        end
    end,
    ActiveTool = function()
        return active
    end,
    SetActiveTool = function(tool)
        active = tool
    end,
    GetToolList = function()
        return { active }
    end,
    AddTool = function(kind)
        if (kind == "Saver" or kind == "Loader") and not is_locked then
            fail("a modal file dialog: Lock first")
        elseif active then
            fail("the new tool joins the active one")
        end
        told("add %s", kind)
        return new_tool(kind, kind .. "1")
    end,
    Lock = function()
        is_locked = true
    end,
    Unlock = function()
        is_locked = false
    end,
    StartUndo = function(name)
        told("undo %s", name)
    end,
    EndUndo = function(is_kept)
        told("undo kept %s", tostring(is_kept))
    end,
    Render = function(how)
        local saver = tools[how.Tool] or fail("Render without a tool")
        if not saver.inputs.Clip or not saver.inputs.Input then
            fail("the Saver has no file or no input")
        end
        for number = how.Start, how.End do
            if not quirks.renders_nothing then
                python.render((saver.inputs.Clip:gsub("%.exr$", ("%04d.exr"):format(number))), number)
            end
        end
        ranges.COMPN_RenderStart, ranges.COMPN_RenderEnd = 0, 999
        silent_calls = quirks.render_shows_message and 2 or 0
        return true -- whatever became of it
    end,
}) or nil

local bmd = object("bmd", {
    createdir = python.createdir,
    fileexists = python.fileexists,
    readdir = function(pattern)
        local found = {}
        for name in python.readdir(pattern):gmatch("[^\n]+") do
            found[#found + 1] = { Name = name }
        end
        return found
    end,
})

-- Resolve --------------------------------------------------------------------------------------------------------------

local folders = {}
local function new_folder(name)
    return object("folder", {
        GetName = function()
            return name
        end,
        GetSubFolderList = function()
            return folders
        end,
    })
end
local root = new_folder("Master")
local current = root

local function new_media(path)
    return object("media", {
        GetClipProperty = function(key)
            return ({ ["File Path"] = path, FPS = options.rate })[key] or ""
        end,
    })
end

local tracks = {}
local function new_item(media, name, record, duration, track)
    local takes = 1
    return object("item", {
        GetMediaPoolItem = function()
            return media
        end,
        GetSourceStartFrame = function()
            return options.source_start
        end,
        GetSourceEndFrame = function()
            return options.source_end
        end,
        GetDuration = function()
            return duration
        end,
        GetTrackTypeAndIndex = function()
            return "video", track
        end,
        GetName = function()
            return name
        end,
        GetStart = function()
            return record
        end,
        AddTake = function(take, first, last)
            if quirks.no_takes then
                return false
            end
            takes = takes + 1
            told("take %s %d-%d", take:GetClipProperty("File Path"), first, last)
            return true
        end,
        SelectTakeByIndex = function(index)
            return index == takes
        end,
        GetTakesCount = function()
            return takes
        end,
    })
end

tracks[1] = {
    new_item(options.media and new_media(options.media) or nil, "Beach", 100, options.duration, 1),
}

local timeline = object("timeline", {
    GetCurrentVideoItem = function()
        return tracks[1][1]
    end,
    GetUniqueId = function()
        return options.timeline_id
    end,
    GetItemListInTrack = function(_, track)
        return tracks[track]
    end,
    GetTrackCount = function()
        return #tracks
    end,
    AddTrack = function()
        tracks[#tracks + 1] = {}
        return true
    end,
})

local pool = object("pool", {
    GetCurrentFolder = function()
        return current
    end,
    SetCurrentFolder = function(folder)
        current = folder
        return true
    end,
    GetRootFolder = function()
        return root
    end,
    AddSubFolder = function(_, name)
        folders[#folders + 1] = new_folder(name)
        return folders[#folders]
    end,
    ImportMedia = function(paths)
        if current == root then
            fail("imported into the wrong folder")
        end
        return python.fileexists(paths[1]) and { new_media(paths[1]) } or {}
    end,
    AppendToTimeline = function(clips)
        local clip = clips[1]
        if not quirks.drops_silently then
            local count = clip.endFrame - clip.startFrame
            table.insert(tracks[clip.trackIndex], new_item(clip.mediaPoolItem, "new", clip.recordFrame, count, 2))
            told("append track %d at %d", clip.trackIndex, clip.recordFrame)
        end
        return {}
    end,
})

local project = object("project", {
    GetCurrentTimeline = function()
        return timeline
    end,
    GetMediaPool = function()
        return pool
    end,
})
local resolve = options.has_resolve and object("resolve", {
    GetProjectManager = function()
        return object("manager", {
            GetCurrentProject = function()
                return project
            end,
        })
    end,
    Fusion = function()
        return object("fusion", {
            GetCurrentComp = function()
                return nil
            end,
        })
    end,
    GetProductName = function()
        return "DaVinci Resolve"
    end,
    GetVersionString = function()
        return "21.1"
    end,
}) or nil

local environment = {
    assert = assert, error = error, ipairs = ipairs, pairs = pairs, pcall = pcall, rawget = rawget, select = select,
    setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
    require = require, math = math, string = string, table = table, io = io,
    print = function(text)
        printed[#printed + 1] = text
    end,
    jit = { os = "Linux", version = jit.version },
    os = setmetatable({
        getenv = function(name)
            return options.environment[name]
        end,
    }, { __index = os }),
    bmd = bmd, comp = comp, resolve = resolve,
}
environment._G = environment
setmetatable(environment, { __index = function(_, name)
    fail("the global %s is not defined", tostring(name))
end })
local chunk = assert(loadstring(options.text, "@script.lua"))
setfenv(chunk, environment)
chunk()

local left = {}
for _, tool in pairs(tools) do
    left[#left + 1] = tool.kind .. " " .. tostring(tool.attributes.TOOLS_Name)
end
return table.concat(printed, "\n"), table.concat(events, "\n"), table.concat(left, "\n"),
    ("%d-%d"):format(ranges.COMPN_RenderStart, ranges.COMPN_RenderEnd)
