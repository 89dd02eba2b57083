-- A strict stand-in for Fusion: it runs a fuse against the documented names alone. An unknown global, member, tag or
-- number of arguments is an error. vocabulary.json has every name, with the evidence for it.
--
-- options: vocabulary, python (functions), system, environment, quirks (set of names). The result: what host.py calls.
local options = ...
local ffi = require("ffi")
local vocabulary, python, quirks = options.vocabulary, options.python, options.quirks

local printed, statuses = {}, {}

local function fail(...)
    error("strict host: " .. string.format(...), 0)
end

local function evidence(section, name)
    local names = vocabulary[section]
    if not names or names[name] == nil then
        fail("%s is no documented name of %s", tostring(name), section)
    end
end

-- Make objects of a class of the vocabulary: the result is called with the fields of each. methods: name -> { least
-- arguments, most arguments, function(object, ...) }. All objects share them, as in Fusion, so that LuaJIT compiles a
-- loop that calls them once for all objects.
local function class(class_name, methods)
    local objects, checked = setmetatable({}, { __mode = "k" }), {}
    for name, method in pairs(methods) do
        evidence(class_name, name)
        local least, most, work = unpack(method)
        checked[name] = function(me, ...)
            local given = select("#", ...)
            if not objects[me] then
                fail("%s.%s is called with . instead of :", class_name, name)
            elseif given < least or given > most then
                fail("%s:%s takes %d to %d arguments, not %d", class_name, name, least, most, given)
            end
            return work(me, ...)
        end
    end
    local metatable = {
        __index = function(me, name)
            local method = checked[name]
            if method then
                return method
            end
            evidence(class_name, name)
            local value = objects[me][name]
            if type(value) == "function" then
                return value()
            end
            return value
        end,
        __newindex = function(_, name)
            fail("%s.%s cannot be set", class_name, name)
        end,
    }
    return function(fields)
        local result = setmetatable({}, metatable)
        objects[result] = fields
        return result
    end
end

-- The only object of its class, or one whose methods are its own.
local function object(class_name, fields, methods)
    return class(class_name, methods)(fields)
end

-- Images ---------------------------------------------------------------------------------------------------------------

local stores = setmetatable({}, { __mode = "k" }) -- of images: what no fuse sees

local LEVELS = { [5] = 255, [6] = 65535 }

-- A value as an image of integers keeps it.
local function kept(value, levels)
    return math.floor(math.min(1, math.max(0, value)) * levels + 0.5) / levels
end

local function place_of(image, x, y)
    local store = stores[image]
    local width, height = store.width, store.height
    if not store.samples then
        fail("pixels of an image without data")
    elseif x < 0 or y < 0 or x >= width or y >= height or x % 1 ~= 0 or y % 1 ~= 0 then
        fail("pixel %s, %s of %d x %d", x, y, width, height)
    end
    return store.samples, (y * width + x) * 4
end

local image_of = class("Image", {
    GetPixel = { 3, 3, function(image, x, y, pixel)
        local samples, place = place_of(image, x, y)
        pixel.R, pixel.G = samples[place], samples[place + 1]
        pixel.B, pixel.A = samples[place + 2], samples[place + 3]
    end },
    SetPixel = { 3, 3, function(image, x, y, pixel)
        local samples, place = place_of(image, x, y)
        local levels, r, g, b, a = LEVELS[stores[image].depth], pixel.R, pixel.G, pixel.B, pixel.A
        if levels then
            r, g, b, a = kept(r, levels), kept(g, levels), kept(b, levels), kept(a, levels)
        end
        samples[place], samples[place + 1], samples[place + 2], samples[place + 3] = r, g, b, a
    end },
})

local function new_image(width, height, depth, original_width, window, has_data)
    local image = image_of({
        Width = width,
        Height = height,
        Depth = depth,
        OriginalWidth = original_width,
        XScale = 1,
        YScale = 1,
        ImageWindow = "image window",
        DataWindow = window,
    })
    stores[image] = {
        width = width,
        height = height,
        depth = depth,
        original_width = original_width,
        window = window,
        samples = has_data and ffi.new("float[?]", math.max(1, width * height * 4)) or nil,
    }
    return image
end

local function address_of(image)
    return tonumber(ffi.cast("intptr_t", stores[image].samples))
end

local function Pixel()
    return setmetatable({}, {
        __index = (function()
            local values = { R = 0, G = 0, B = 0, A = 0 }
            return function(_, name)
                return values[name] or fail("Pixel.%s", name)
            end
        end)(),
        __newindex = function(me, name, value)
            evidence("Pixel", name)
            if type(value) ~= "number" then
                fail("Pixel.%s is %s", name, type(value))
            end
            rawset(me, name, value)
        end,
    })
end

local function Image(attributes)
    for name in pairs(attributes) do
        evidence("tags", name)
    end
    local like = stores[attributes.IMG_Like] or fail("Image without IMG_Like")
    local started = python.now()
    local image = new_image(
        like.width, like.height, like.depth, like.original_width, like.window, not attributes.IMG_NoData
    )
    python.spent(started)
    return image
end

-- Files of images ------------------------------------------------------------------------------------------------------

local HALF, FLOAT, ANY_TYPE = "half", "float", "any"
local CHANNEL_NAMES = { R = "red", G = "green", B = "blue", A = "alpha" }

local function EXRIO()
    if quirks.exrio_missing then
        error("attempt to call global 'EXRIO' (a nil value)", 0)
    end
    local state = { error = "", channels = {}, part_count = 0 }
    local first_part = quirks.parts_from_zero and 0 or 1
    return object("EXRIO", {}, {
        WriteOpen = { 2, 2, function(_, path)
            state.path, state.mode = path, "write"
        end },
        ReadOpen = { 2, 2, function(_, path)
            state.path, state.mode = path, "read"
        end },
        Part = { 1, 4, function(_, name)
            if state.mode == "write" then
                return first_part
            elseif name ~= first_part then
                state.error = "no such part"
            end
        end },
        Channel = { 4, 4, function(_, name, kind, image, channel)
            if CHANNEL_NAMES[name] ~= channel or not ({ half = 1, float = 1, any = 1 })[kind] then
                fail("channel %s of %s as %s", name, tostring(channel), tostring(kind))
            end
            state.image, state.kind = image, kind
            state.channels[name] = true
        end },
        WriteHeader = { 0, 0, function()
            state.has_header = not quirks.exr_header_false
            return state.has_header
        end },
        WritePart = { 2, 2, function()
            local store = stores[state.image]
            if quirks.exr_writes_nothing or not state.has_header then
                return
            end
            local height = store.window == "data window" and store.height or math.max(1, store.height - 1)
            state.error = python.exr_write(
                state.path, address_of(state.image), store.width, store.height, height,
                state.kind == HALF, quirks.exr_upside_down or false
            )
        end },
        ReadHeader = { 0, 0, function()
            if quirks.exr_unreadable then
                state.error = "not an EXR"
            end
            return state.error == ""
        end },
        ReadPart = { 2, 2, function(_, part, images)
            if part ~= first_part then
                state.error = "no such part"
            elseif state.error == "" then
                local store = stores[images[1]]
                state.error = python.exr_read(state.path, address_of(images[1]), store.width, store.height,
                    quirks.exr_read_dark and 0.5 or 1, store.depth)
            end
        end },
        Close = { 0, 0, function() end },
        GetLastError = { 0, 0, function()
            return state.error
        end },
    })
end

local function Clip(path, is_saved)
    local is_closed = quirks.clip_closed -- such a clip neither writes nor reads
    return object("Clip", {}, {
        Open = { 0, 0, function()
            return not is_closed
        end },
        PutFrame = { 2, 2, function(_, _, image)
            if is_closed or quirks.putframe_false or not is_saved then
                return false
            end
            local store = stores[image]
            return python.png_write(path, address_of(image), store.width, store.height, store.depth)
        end },
        GetFrame = { 1, 1, function()
            if is_closed then
                return nil
            end
            local store = stores[options.last_image]
            local image = new_image(store.width, store.height, store.depth, store.original_width, store.window, true)
            return python.png_read(path, address_of(image), store.width, store.height) and image or nil
        end },
        Close = { 0, 0, function() end },
    })
end

-- The tool -------------------------------------------------------------------------------------------------------------

local inputs, outputs, registered = {}, {}, nil

local function value_object(value)
    return object("Value", { Value = value }, {})
end

local function check_tags(attributes, context)
    for name, value in pairs(attributes) do
        if type(name) == "number" then
            check_tags(value, context)
        else
            evidence("tags", name)
        end
    end
    if attributes.INPID_InputControl then
        evidence("controls", attributes.INPID_InputControl)
    end
end

local function add_input(_, label, id, attributes)
    check_tags(attributes, id)
    if inputs[id] then
        fail("two inputs %s", id)
    elseif not id:match("^%w+$") then
        fail("input id %s", id)
    end
    local default = attributes.INP_Default
    if attributes.LINKID_DataType == "Text" then
        default = attributes.INPS_DefaultText or ""
    elseif attributes.LINKID_DataType == "FuID" then
        default = attributes.INPID_DefaultID or ""
    end
    local state = { value = default, attributes = attributes, label = label }
    state.input = object("Input", {}, {
        GetValue = { 1, 1, function()
            if attributes.LINKID_DataType == "Image" then
                return state.value
            end
            return value_object(state.value)
        end },
        SetSource = { 2, 2, function(_, value)
            state.value = value.Value
            if id == "StatusText" then
                statuses[#statuses + 1] = value.Value
            end
        end },
    })
    inputs[id] = state
    return state.input
end

local function add_output(_, _, id, attributes)
    check_tags(attributes, id)
    outputs[id] = {}
    return object("Output", {}, {
        Set = { 2, 2, function(_, _, image)
            if outputs[id].is_set then
                fail("output %s is set twice", id)
            end
            outputs[id].is_set, outputs[id].image = true, image
        end },
    })
end

local progress = {}
local aborts_at -- number of looks at Status after which the render is aborted
local looks = 0

local comp = object("Comp", { Name = options.comp_name or "Composition1", Filename = "" }, {})
local self = object("self", {
    Name = options.node_name or "Stylize1",
    Comp = comp,
    Status = function()
        looks = looks + 1
        return aborts_at and looks >= aborts_at and "Aborted" or "OK"
    end,
}, {
    AddInput = { 3, 3, add_input },
    AddOutput = { 3, 3, add_output },
    SetProgress = { 1, 1, function(_, fraction)
        if not (fraction >= 0 and fraction <= 1) then
            fail("progress %s", fraction)
        end
        progress[#progress + 1] = fraction
    end },
})

-- The environment ------------------------------------------------------------------------------------------------------

local function only(library, names)
    local result = {}
    for name in names:gmatch("%S+") do
        result[name] = library[name]
    end
    return setmetatable(result, { __index = function(_, name)
        fail("%s is not to be used", tostring(name))
    end })
end

local is_windows = options.system == "Windows"
local function opened(path, mode)
    if is_windows and path:find("[\128-\255]") then
        return nil, path .. ": No such file or directory"
    end
    return io.open(path, mode)
end

local ran = {}
local names = {
    FuRegisterClass = function(name, kind, attributes)
        evidence("classes", kind)
        for tag in pairs(attributes) do
            evidence("tags", tag)
        end
        for _, needed in ipairs({ "REGS_Category", "REGS_OpIconString", "REGS_OpDescription" }) do
            if type(attributes[needed]) ~= "string" then
                fail("%s is missing", needed)
            end
        end
        if not name:match("^[%w_]+$") then
            fail("class %s", name)
        end
        registered = name
    end,
    CT_Tool = "CT_Tool",
    Image = Image,
    Pixel = Pixel,
    EXRIO = EXRIO,
    Clip = Clip,
    Number = function(value)
        return value_object(assert(tonumber(value)))
    end,
    Text = function(value)
        return value_object(tostring(value))
    end,
    HALF = HALF,
    FLOAT = FLOAT,
    ANY_TYPE = ANY_TYPE,
    CHAN_RED = "red",
    CHAN_GREEN = "green",
    CHAN_BLUE = "blue",
    CHAN_ALPHA = "alpha",
    bmd = setmetatable({
        openfileexternal = function(verb, path)
            ran[#ran + 1] = verb .. " " .. path
        end,
    }, { __index = function(_, name)
        evidence("bmd", name)
    end }),
    self = self,
}
for name in pairs(names) do
    evidence("globals", name)
end

local STANDARD = {
    assert = assert, error = error, ipairs = ipairs, pairs = pairs, pcall = pcall, select = select,
    setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
    print = function(...)
        printed[#printed + 1] = table.concat({ ... }, "\t")
    end,
    require = function(name)
        return name == "ffi" and ffi or fail("require %s", name)
    end,
    jit = { os = options.system },
    math = only(math, "floor max min abs huge"),
    string = only(string, "char format"),
    table = only(table, "concat"),
    io = { open = opened },
    os = only({
        time = os.time,
        clock = os.clock,
        remove = os.remove,
        rename = os.rename,
        getenv = function(name)
            return options.environment[name]
        end,
        execute = function(line)
            ran[#ran + 1] = line
            return is_windows and 0 or os.execute(line)
        end,
    }, "time clock remove rename getenv execute"),
}

local environment = setmetatable({}, { __index = function(_, name)
    local value = STANDARD[name]
    if value == nil then
        value = names[name]
    end
    if value == nil then
        fail("the global %s is not defined", tostring(name))
    end
    return value
end })
environment._G = environment

local function load_text(text, name)
    local chunk = assert(loadstring(text, "@" .. name))
    setfenv(chunk, environment)
    return chunk
end

load_text(options.text, options.name)()
if not registered then
    fail("no class is registered")
end
environment.Create()

local M = {}

function M.new_image(width, height, depth, original_width, is_windowed)
    local image = new_image(width, height, depth, original_width, is_windowed and "smaller" or "data window", true)
    options.last_image = image
    return image, address_of(image)
end

function M.describe(image)
    local store = stores[image]
    return store.width, store.height, store.samples and address_of(image) or nil
end

function M.set(id, value)
    (inputs[id] or fail("no input %s", id)).value = value
end

function M.get(id)
    return (inputs[id] or fail("no input %s", id)).value
end

function M.choices(id)
    local found = {}
    for _, entry in ipairs(inputs[id].attributes) do
        found[#found + 1] = entry.CCID_AddID or entry.CCS_AddString
    end
    return found
end

function M.press(id)
    environment.NotifyChanged(inputs[id].input, value_object(1), 0)
end

-- Whether an output was set, and the image.
function M.process(is_precalc, abort_after)
    for _, output in pairs(outputs) do
        output.is_set, output.image = false, nil
    end
    looks, aborts_at = 0, abort_after
    environment.Process(object("req", { Time = 0 }, {
        IsPreCalc = { 0, 0, function()
            return is_precalc
        end },
    }))
    local id, output = next(outputs) -- a fuse has one
    if not output.is_set then
        fail("output %s was not set", id)
    end
    return output.image
end

function M.evaluate(text)
    return load_text(text, "evaluated")()
end

M.printed, M.statuses, M.ran, M.progress = printed, statuses, ran, progress
return M
