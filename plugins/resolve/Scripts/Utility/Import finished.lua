-- Bring in what `Stylize clip` has painted: as a take of its clip, or on a track above where that is not possible.

-- include stylecli.lua

local BIN = "Stylized"

local function item_of(timeline, clip)
    for _, item in ipairs(timeline:GetItemListInTrack("video", clip.track) or {}) do
        if item:GetStart() == clip.record and item:GetName() == clip.name and item:GetDuration() == clip.duration then
            return item
        end
    end
end

local function imported(pool, path)
    local before, bin = pool:GetCurrentFolder(), nil
    for _, folder in ipairs(pool:GetRootFolder():GetSubFolderList() or {}) do
        bin = folder:GetName() == BIN and folder or bin
    end
    pool:SetCurrentFolder(bin or pool:AddSubFolder(pool:GetRootFolder(), BIN))
    local media = (pool:ImportMedia({ path }) or {})[1] -- into the current folder only
    pool:SetCurrentFolder(before)
    return media or error(path .. " cannot be imported", 0)
end

local function is_free(timeline, track, first, duration)
    for _, item in ipairs(timeline:GetItemListInTrack("video", track) or {}) do
        if item:GetStart() < first + duration and first < item:GetStart() + item:GetDuration() then
            return false
        end
    end
    return true
end

-- On the first free track above: the host drops overlaps silently, so they are looked for before and after.
local function placed_above(pool, timeline, media, clip)
    local track = clip.track + 1
    while track <= timeline:GetTrackCount("video") and not is_free(timeline, track, clip.record, clip.duration) do
        track = track + 1
    end
    while timeline:GetTrackCount("video") < track do
        if not timeline:AddTrack("video") then
            error("a track cannot be added", 0)
        end
    end
    pool:AppendToTimeline({
        {
            mediaPoolItem = media,
            startFrame = 0,
            endFrame = clip.duration,
            mediaType = 1,
            trackIndex = track,
            recordFrame = clip.record,
        },
    })
    for _, item in ipairs(timeline:GetItemListInTrack("video", track) or {}) do
        if item:GetStart() == clip.record then
            return ("on track %d"):format(track)
        end
    end
    error("it was imported, but cannot be put on the timeline", 0)
end

local function placed(project, clip)
    local timeline = project:GetCurrentTimeline()
    if not timeline or timeline:GetUniqueId() ~= clip.timeline then
        return nil -- it waits until its timeline is open
    end
    local pool = project:GetMediaPool()
    local media = imported(pool, clip.output)
    local item = item_of(timeline, clip)
    if item and item:AddTake(media, 0, clip.duration - 1) and item:SelectTakeByIndex(item:GetTakesCount()) then
        return "as a take"
    end
    return placed_above(pool, timeline, media, clip)
end

local function remove(work)
    for _, name in ipairs({ "job.json", "log.txt", "status", "run.sh", "run.cmd" }) do
        os.remove(stylecli.join(work, name))
    end
    os.remove(work)
end

local function import(application, config)
    local project = application:GetProjectManager():GetCurrentProject()
    if not project then
        error("Open a project", 0)
    end
    local jobs, said = stylecli.join(config.folder, "jobs"), {}
    for _, entry in ipairs(bmd.readdir(stylecli.join(jobs, "*"))) do
        local work = stylecli.join(jobs, entry.Name)
        local clip = stylecli.decode(stylecli.read(stylecli.join(work, "job.json")) or "")
        local status = stylecli.status(work)
        if clip and not status then
            said[#said + 1] = clip.name .. " is still being painted: " .. stylecli.last_words(work)
        elseif clip and status ~= 0 then
            said[#said + 1] = clip.name .. " failed: " .. stylecli.last_words(work)
            remove(work)
        elseif clip then
            local is_done, where = pcall(placed, project, clip)
            if is_done and not where then
                said[#said + 1] = clip.name .. " is painted: open its timeline, then run this again"
            else
                said[#said + 1] = clip.name .. ": " .. where
            end
            if is_done and where then
                remove(work)
            end
        end
    end
    return #said > 0 and table.concat(said, "\n") or "nothing is being painted"
end

stylecli.run_script(import)
