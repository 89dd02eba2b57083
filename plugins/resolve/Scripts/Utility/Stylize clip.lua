-- Stylize the clip under the playhead from its source file, in the background. `Import finished` brings the result in.

-- include stylecli.lua

local UNREADABLE = { braw = true, r3d = true, ari = true, arx = true, crm = true, dng = true }

-- The clip under the playhead as a table, or an error with one sentence.
local function clip_of(application)
    local project = application:GetProjectManager():GetCurrentProject()
    local timeline = project and project:GetCurrentTimeline()
    local item = timeline and timeline:GetCurrentVideoItem()
    if not item then
        error("Put the playhead on a clip of a timeline", 0)
    end
    local media = item:GetMediaPoolItem()
    local path = media and media:GetClipProperty("File Path") or ""
    if path == "" then
        error("This is a title, a generator or a compound clip: it has no source file", 0)
    end
    local kind = (path:match("%.(%w+)$") or ""):lower()
    if UNREADABLE[kind] then
        error(("Camera raw (.%s) cannot be decoded: render it to a movie first"):format(kind), 0)
    elseif path:find("%[%d+%-%d+%]") then
        error("This is a picture sequence: stylize it with the Stylize node on the Fusion page", 0)
    end
    local first, last, duration = item:GetSourceStartFrame(), item:GetSourceEndFrame(), item:GetDuration()
    local rate = tonumber(media:GetClipProperty("FPS"))
    if (last - first ~= duration and last - first + 1 ~= duration) or not rate then
        error("This clip is retimed, or has another frame rate than the timeline: render it to a movie first", 0)
    end
    local kind_of_track, track = item:GetTrackTypeAndIndex()
    return {
        timeline = timeline:GetUniqueId(),
        path = path,
        name = item:GetName(),
        first = first,
        duration = duration,
        rate = rate,
        record = item:GetStart(),
        kind = kind_of_track,
        track = track,
    }
end

-- A frame rate as whole numbers: 23.976 is 24000/1001.
local function fraction_of(rate)
    local whole = math.floor(rate + 0.5)
    if math.abs(rate - whole) < 0.005 then
        return whole, 1
    end
    return whole * 1000, 1001
end

-- The range for `stylecli video`: from half a frame before the first frame to half a frame after the last.
local function range_of(clip)
    local over, under = fraction_of(clip.rate)
    local function moment(halves)
        return halves <= 0 and "0" or ("%d/%d"):format(halves * under, 2 * over)
    end
    return moment(2 * clip.first - 1) .. ":" .. moment(2 * (clip.first + clip.duration) - 1)
end

local function stylize(application, config)
    local clip = clip_of(application)
    local fusion = rawget(_G, "fusion") or application:Fusion()
    local composition = rawget(_G, "comp") or fusion and fusion:GetCurrentComp()
    local choices = stylecli.ask(config, composition)
    if not choices then
        return "Cancelled"
    end
    local identifier = stylecli.identifier()
    local work = stylecli.join(stylecli.join(config.folder, "jobs"), identifier)
    local stem = clip.path:match("([^/\\]+)%.%w+$") or "clip"
    clip.output = stylecli.join(config.results, ("%s-%s-%s.mov"):format(stem, stylecli.style_in_name(choices), identifier))
    bmd.createdir(work)
    bmd.createdir(config.results)
    local words = { "video", clip.path, "--output", clip.output, "--range", range_of(clip), "--codec", "prores" }
    for _, word in ipairs(stylecli.words_of(choices)) do
        words[#words + 1] = word
    end
    local is_started, fault = stylecli.write(stylecli.join(work, "job.json"), stylecli.encode(clip))
    if is_started then
        is_started, fault = stylecli.launch(config, work, words)
    end
    if not is_started then
        error(fault, 0)
    end
    return ("%s is being painted in the background (%s). Then run Import finished"):format(clip.name, stylecli.style_of(choices))
end

stylecli.run_script(stylize)
