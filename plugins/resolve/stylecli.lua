-- stylecli, as a program and a folder of jobs. The installer puts this text into every script, at its "include" line,
-- so that no script has to find another one. Nothing here knows Resolve, styles or networks.
local stylecli = (function()
    local ffi = require("ffi")
    local M = {}

    M.is_windows = jit.os == "Windows"
    local SEPARATOR = M.is_windows and "\\" or "/"
    local REPAIR = "Run in a terminal: stylecli plugins install resolve"

    if M.is_windows then
        ffi.cdef("void Sleep(int ms);")
    else
        ffi.cdef("int poll(void *fds, unsigned long count, int ms); int kill(int process, int signal);")
    end

    -- Sleep without using the processor.
    function M.sleep(milliseconds)
        if M.is_windows then
            ffi.C.Sleep(milliseconds)
        else
            ffi.C.poll(nil, 0, milliseconds)
        end
    end

    -- JSON ------------------------------------------------------------------------------------------------------------

    local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

    local function utf8_of(code)
        if code < 0x80 then
            return string.char(code)
        elseif code < 0x800 then
            return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64)
        elseif code < 0x10000 then
            return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
        end
        return string.char(
            0xF0 + math.floor(code / 262144),
            0x80 + math.floor(code / 4096) % 64,
            0x80 + math.floor(code / 64) % 64,
            0x80 + code % 64
        )
    end

    -- The value of a JSON text; nil and a reason if it is none. null becomes nil.
    function M.decode(text)
        local at = 1
        local value

        local function fail(what)
            error({ json = what .. " at " .. at }, 0)
        end

        local function skip()
            at = text:find("[^ \t\r\n]", at) or #text + 1
        end

        local function take(mark)
            skip()
            if text:sub(at, at) ~= mark then
                fail("no " .. mark)
            end
            at = at + 1
        end

        local function string_value()
            take('"')
            local parts = {}
            while true do
                local stop = text:find('["\\]', at) or fail("no end of a string")
                parts[#parts + 1] = text:sub(at, stop - 1)
                at = stop + 1
                if text:sub(stop, stop) == '"' then
                    return table.concat(parts)
                end
                local kind = text:sub(at, at)
                at = at + 1
                if kind == "u" then
                    local code = tonumber(text:sub(at, at + 3), 16) or fail("no character")
                    at = at + 4
                    local low = tonumber(text:match("^\\u(%x%x%x%x)", at) or "", 16)
                    if code >= 0xD800 and code < 0xDC00 and low then
                        code = 0x10000 + (code - 0xD800) * 1024 + low - 0xDC00
                        at = at + 6
                    end
                    parts[#parts + 1] = utf8_of(code)
                else
                    parts[#parts + 1] = ESCAPES[kind] or fail("no escape")
                end
            end
        end

        local function list_value(result, close, entry)
            at = at + 1
            skip()
            if text:sub(at, at) == close then
                at = at + 1
                return result
            end
            while true do
                entry(result)
                skip()
                local mark = text:sub(at, at)
                at = at + 1
                if mark == close then
                    return result
                elseif mark ~= "," then
                    fail("no , or " .. close)
                end
            end
        end

        function value()
            skip()
            local mark = text:sub(at, at)
            if mark == '"' then
                return string_value()
            elseif mark == "{" then
                return list_value({}, "}", function(result)
                    local key = string_value()
                    take(":")
                    result[key] = value()
                end)
            elseif mark == "[" then
                local count = 0
                return list_value({}, "]", function(result)
                    count = count + 1
                    result[count] = value()
                end)
            end
            local word = text:match("^[%w%+%-%.]+", at) or fail("no value")
            at = at + #word
            if word == "true" or word == "false" then
                return word == "true"
            elseif word == "null" then
                return nil
            end
            return tonumber(word) or fail("no value")
        end

        local is_right, result = pcall(function()
            local found = value()
            skip()
            return at > #text and found or fail("more than one value")
        end)
        if is_right then
            return result
        elseif type(result) == "table" then
            return nil, result.json
        end
        error(result, 0)
    end

    -- A value as JSON: a table with a first element is a list.
    function M.encode(value)
        local kind = type(value)
        if kind == "table" then
            local parts = {}
            if value[1] ~= nil then
                for place, entry in ipairs(value) do
                    parts[place] = M.encode(entry)
                end
                return "[" .. table.concat(parts, ", ") .. "]"
            end
            for key, entry in pairs(value) do
                parts[#parts + 1] = M.encode(key) .. ": " .. M.encode(entry)
            end
            return "{" .. table.concat(parts, ", ") .. "}"
        elseif kind == "string" then
            return '"' .. value:gsub('[%c"\\]', function(mark)
                return ("\\u%04x"):format(mark:byte())
            end) .. '"'
        elseif kind == "number" then
            if value ~= value or value == math.huge or value == -math.huge then
                return "0"
            end
            return ("%.9g"):format(value)
        end
        return tostring(value)
    end

    -- Files -----------------------------------------------------------------------------------------------------------

    -- The content of a file; nil and a reason.
    function M.read(path)
        local file, reason = io.open(path, "rb")
        if not file then
            return nil, reason
        end
        local content = file:read("*a")
        file:close()
        return content
    end

    -- Write a file; true, or nil and a reason. A full disk shows at the close.
    function M.write(path, content)
        local file, reason = io.open(path, "wb")
        if not file then
            return nil, reason
        end
        local is_written, fault = file:write(content)
        local is_closed, fault_at_end = file:close()
        if is_written and is_closed then
            return true
        end
        os.remove(path)
        return nil, fault or fault_at_end or "the disk is full"
    end

    function M.exists(path)
        local file = io.open(path, "rb")
        if file then
            file:close()
        end
        return file ~= nil
    end

    function M.join(folder, name)
        return folder .. SEPARATOR .. name
    end

    -- On Windows io.open takes names of the system's code page only.
    function M.is_ascii(text)
        return not text:find("[\128-\255]")
    end

    -- Quote a word for the shell.
    function M.quoted(word)
        if M.is_windows then
            return '"' .. word .. '"'
        end
        return "'" .. word:gsub("'", "'\\''") .. "'"
    end

    -- Configuration ---------------------------------------------------------------------------------------------------

    -- Where the installer writes the configuration: one fixed place, without a search.
    local function folders()
        if M.is_windows then
            local found = {}
            for _, name in ipairs({ "LOCALAPPDATA", "PROGRAMDATA" }) do
                local folder = os.getenv(name)
                if folder and M.is_ascii(folder) and not folder:find("?", 1, true) then
                    found[#found + 1] = folder .. "\\stylecli\\resolve"
                end
            end
            return found
        end
        local home = os.getenv("HOME")
        if not home then
            return {}
        elseif jit.os == "OSX" then
            return { home .. "/Library/Application Support/stylecli/resolve" }
        end
        return { home .. "/.config/stylecli/resolve" }
    end

    -- The configuration: folder, spool, launcher, log, version, styles. nil and a message for people.
    function M.config()
        for _, folder in ipairs(folders()) do
            local text = M.read(M.join(folder, "config.json"))
            if text then
                local config = M.decode(text)
                local is_whole = type(config) == "table" and config.format == 1
                for _, key in ipairs({ "folder", "spool", "launcher", "log", "results", "version" }) do
                    is_whole = is_whole and type(config[key]) == "string"
                end
                if is_whole and type(config.styles) == "table" then
                    return config
                end
                return nil, M.join(folder, "config.json") .. " is damaged. " .. REPAIR
            end
        end
        return nil, "stylecli is not connected: there is no configuration. " .. REPAIR
    end

    -- The styles, as { style = name, title = text }: those that the worker wrote last, else those of the installation.
    function M.styles(config)
        local text = M.read(M.join(config.spool, "styles.json"))
        local styles = text and M.decode(text)
        return type(styles) == "table" and styles[1] and styles or config.styles
    end

    -- Long work ------------------------------------------------------------------------------------------------------

    -- Start stylecli with any words, without waiting. They go through a file: a command line on Windows is no UTF-8.
    -- folder: an existing folder with an ASCII name. The file `status` in it holds the exit code once it has ended.
    function M.launch(config, folder, words)
        local line = {}
        for place, word in ipairs({ config.launcher, unpack(words) }) do
            line[place] = M.quoted(M.is_windows and (word:gsub("%%", "%%%%")) or word)
        end
        local log, status = M.quoted(M.join(folder, "log.txt")), M.quoted(M.join(folder, "status"))
        local text = table.concat(line, " ") .. " >" .. log .. " 2>&1"
        local script
        if M.is_windows then
            script = M.join(folder, "run.cmd")
            text = "@echo off\r\nchcp 65001 >nul\r\ncall " .. text .. "\r\n"
            text = text .. "echo %errorlevel% >" .. status .. "\r\n"
        else
            script = M.join(folder, "run.sh")
            local beside = M.quoted(M.join(folder, "status.part"))
            text = text .. "\necho $? >" .. beside .. "\nmv " .. beside .. " " .. status .. "\n"
        end
        local is_written, fault = M.write(script, text)
        if not is_written then
            return nil, fault
        elseif M.is_windows then
            os.execute('start "" /B cmd /C "' .. M.quoted(script) .. '"')
        else
            os.execute("sh " .. M.quoted(script) .. " >/dev/null 2>&1 </dev/null &")
        end
        return true
    end

    -- The exit code of work that was launched in a folder; nil while it goes on.
    function M.status(folder)
        return tonumber((M.read(M.join(folder, "status")) or ""):match("%d+"))
    end

    -- The last line that the work in a folder has said.
    function M.last_words(folder)
        local last = "no message"
        for line in (M.read(M.join(folder, "log.txt")) or ""):gmatch("[^\r\n]+") do
            last = line
        end
        return last
    end

    -- The choices for long work: what the user said last, else the first style.
    function M.choices(config)
        local known = M.decode(M.read(M.join(config.folder, "choices.json")) or "") or {}
        local styles = M.styles(config)
        for _, one in ipairs(styles) do
            if one.style == known.style then
                return known
            end
        end
        return { style = styles[1] and styles[1].style, strength = 1 }
    end

    -- Ask by the dialog of a composition; nil if the user cancels. Without a dialog: the choices of the last time.
    function M.ask(config, comp)
        local styles, choices = M.styles(config), M.choices(config)
        if not choices.style then
            error("No style is installed. Run in a terminal: stylecli styles list", 0)
        end
        local titles, chosen = {}, 0
        for place, one in ipairs(styles) do
            titles[place] = one.title
            chosen = one.style == choices.style and place - 1 or chosen
        end
        if comp then
            local answer = comp:AskUser("Stylize", {
                { "Style", Name = "Style", "Dropdown", Options = titles, Default = chosen },
                { "StyleName", Name = "Style by name, or a blend a:0.6+b:0.4", "Text", Lines = 1, Default = choices.named or "" },
                { "Strength", Name = "Strength", "Slider", Min = 0, Max = 1, Default = choices.strength or 1 },
                { "Keep", Name = "Keep the picture's colours", "Checkbox", Default = choices.keep and 1 or 0 },
                {
                    "Linear",
                    Name = "The picture is scene-linear",
                    "Checkbox",
                    Default = choices.linear and 1 or 0,
                },
            })
            if not answer then
                return nil
            end
            choices = {
                style = styles[answer.Style + 1].style,
                named = answer.StyleName or "",
                strength = answer.Strength,
                keep = answer.Keep == 1,
                linear = answer.Linear == 1,
            }
            M.write(M.join(config.folder, "choices.json"), M.encode(choices))
        end
        return choices
    end

    -- The style that the choices mean: any text that stylecli understands, else the one of the list.
    function M.style_of(choices)
        return choices.named and choices.named ~= "" and choices.named or choices.style
    end

    -- The same for the name of a file.
    function M.style_in_name(choices)
        return (M.style_of(choices):gsub("[^%w_-]+", "-"))
    end

    -- The words of the command line that the choices mean.
    function M.words_of(choices)
        local words = { "--style", M.style_of(choices), "--strength", ("%.6g"):format(choices.strength or 1) }
        if choices.keep then
            words[#words + 1] = "--preserve-color"
        end
        return words
    end

    -- The worker ------------------------------------------------------------------------------------------------------

    local BEAT_MS = 6000 -- a worker whose number stands still for so long is dead
    local START_SECONDS, SLOW_START_SECONDS = 10, 60 -- between two starts; while the first goes on, on a busy machine
    local STARTS_MAX = 3 -- in a row without a worker that runs, while one job waits
    local QUICK_MS = 20 -- a frame from the cache is here by then; later, looking often takes the processor from the network
    local NO_SUCH_PROCESS = 3 -- of errno
    local HAS_A_WORKER, KILLED = 2, 128 -- exit codes after which another worker may run soon; those above are signals
    local last_start = 0
    local exit_file -- gets the exit code of the worker that was started last, if it ends before it can work
    local count = 0

    -- A name for a job that no other script, thread or process has.
    function M.identifier()
        count = count + 1
        local place = tostring({}):match("0x(%x+)") or "0"
        return ("r%x-%s-%x-%d"):format(os.time(), place, math.floor(os.clock() * 1e6) % 0xFFFFFFFF, count)
    end

    local function worker_of(config)
        local text = M.read(M.join(config.spool, "worker.json"))
        return text and M.decode(text)
    end

    -- Whether a worker was killed: it leaves its files.
    local function is_gone(worker)
        if M.is_windows or type(worker.pid) ~= "number" then
            return false -- its heart tells
        end
        return ffi.C.kill(worker.pid, 0) ~= 0 and ffi.errno() == NO_SUCH_PROCESS
    end

    local function forget_start()
        if exit_file then
            os.remove(exit_file)
            exit_file = nil
        end
    end

    -- A worker of this very version, or nil and the reason.
    function M.worker(config)
        local worker = worker_of(config)
        if not worker or is_gone(worker) then
            return nil, "no worker runs"
        elseif worker.version ~= config.version then
            return nil, ("the worker is of stylecli %s, the plug-in of %s"):format(worker.version, config.version)
        end
        last_start = 0 -- the one that was started, if any, did start
        forget_start()
        return worker
    end

    -- Start a worker, unless one was started a moment ago; whether it did. Of two workers one ends at once.
    function M.start_worker(config)
        local is_on_its_way = not M.is_windows and exit_file and M.read(exit_file) == ""
        if os.time() - last_start < (is_on_its_way and SLOW_START_SECONDS or START_SECONDS) then
            return false
        end
        last_start = os.time()
        forget_start()
        exit_file = M.join(config.folder, M.identifier() .. ".exit")
        M.write(exit_file, "") -- removed when the worker is there: what it ends with later nobody asks
        local words = { M.quoted(config.launcher), "spool", M.quoted(config.spool), "--idle 900" }
        local command = table.concat(words, " ") .. " >" .. M.quoted(config.log) .. " 2>&1"
        if M.is_windows then
            os.execute('start "" /B cmd /C "' .. command .. '"')
        else
            local told = ("[ -e %s ] && echo $code >%s"):format(M.quoted(exit_file), M.quoted(exit_file))
            os.execute(("(%s; code=$?; %s) </dev/null >/dev/null 2>&1 &"):format(command, told))
        end
        return true
    end

    -- Why no worker can be started; nil where it is merely on its way.
    local function fault_of_start(config)
        local log, reason = io.open(config.log, "ab")
        if not log then
            return "stylecli cannot be started: " .. reason
        end
        log:close()
        local code = tonumber((exit_file and M.read(exit_file) or ""):match("%d+"))
        if code and code > 0 and code ~= HAS_A_WORKER and code < KILLED then
            last_start = 0 -- the next frame tries again
            forget_start()
            return ("stylecli does not start: %s. See %s"):format(M.last_words(config.folder), config.log)
        end
    end

    -- Look after the worker: start one where none is, end one of another version. Whether one was started.
    local function tend(config)
        local worker = worker_of(config)
        if worker and not is_gone(worker) then
            M.write(M.join(config.spool, "worker.stop"), "")
            return false
        end
        return M.start_worker(config)
    end

    -- Wait until a worker runs that can answer; how: as below. True, or nil and a message.
    function M.ready(config, how)
        local deadline, starts = os.time() + how.timeout, 0
        while not M.worker(config) do
            local fault = starts > 0 and fault_of_start(config)
            if how.is_aborted() then
                return nil, "aborted"
            elseif fault then
                return nil, fault
            elseif os.time() >= deadline or starts > STARTS_MAX then
                forget_start()
                return nil, "stylecli does not start. See " .. config.log
            end
            starts = starts + (tend(config) and 1 or 0)
            M.sleep(20)
        end
        return true
    end

    local function tidy(config, identifier, names)
        for _, suffix in ipairs({ "tmp", "job", "done", "err", "progress" }) do
            os.remove(M.join(config.spool, identifier .. "." .. suffix))
        end
        for _, name in ipairs(names) do
            os.remove(M.join(config.spool, name))
        end
    end

    -- Hand a job to the worker and wait for its answer. job: as docs/editors.md describes it; its input file is there.
    -- how: timeout (seconds), is_aborted() and progress(fraction), called while it waits.
    -- The answer, or nil, a message for people and the worker's answer if there is one. The output is left to the caller.
    function M.run(config, identifier, job, how)
        local function path(suffix)
            return M.join(config.spool, identifier .. "." .. suffix)
        end

        local function give_up(message)
            if not os.remove(path("job")) then -- a worker has it
                M.write(path("cancel"), "")
            end
            tidy(config, identifier, { job.input })
            return nil, message
        end

        local is_written, reason = M.write(path("tmp"), M.encode(job))
        if is_written then
            is_written, reason = os.rename(path("tmp"), path("job"))
        end
        if not is_written then
            tidy(config, identifier, { job.input })
            return nil, "the job cannot be written: " .. tostring(reason)
        end

        -- Whether the job is nowhere: somebody has deleted the folder of jobs. Looks in the order in which a job moves on.
        local function is_lost()
            for _, suffix in ipairs({ "job", "run", "answer", "done", "err" }) do
                if M.exists(path(suffix)) then
                    return false
                end
            end
            return true
        end

        local waited, quiet, starts, beat, shown = 0, 0, 0, nil, 0
        local was_lost = false -- at the last look: a worker that ends puts a job back, which one look may miss
        local deadline = os.time() + how.timeout
        while true do
            local text = M.read(path("done"))
            if text then
                os.remove(path("done"))
                local answer = M.decode(text)
                if answer then
                    return answer
                end
                return nil, "the worker's answer is damaged"
            end
            text = M.read(path("err"))
            if text then
                os.remove(path("err"))
                local answer = M.decode(text) or {}
                local hint = answer.hint and answer.hint ~= "" and " " .. answer.hint or ""
                return nil, (answer.message or "the worker had no room for a message") .. "." .. hint, answer
            end
            if how.is_aborted() then
                return give_up("aborted")
            elseif os.time() >= deadline then
                return give_up(("no answer for %d seconds. See %s"):format(how.timeout, config.log))
            end

            local pause = waited < QUICK_MS and 1 or 3
            M.sleep(pause)
            waited = waited + pause
            if waited - shown >= 100 then -- the rest is looked at ten times a second
                shown = waited
                local progress = M.decode(M.read(path("progress")) or "")
                if progress and progress.fraction then
                    how.progress(progress.fraction)
                end
                local is_lost_now = is_lost()
                if was_lost and is_lost_now then
                    tidy(config, identifier, { job.input })
                    return nil, "the job has gone: " .. config.spool .. " was deleted. Render the frame again"
                end
                was_lost = is_lost_now
                local number = M.read(M.join(config.spool, "worker.beat"))
                quiet = (number and number ~= beat) and 0 or quiet + 100
                beat = number
                local is_dead = quiet > BEAT_MS
                if not is_dead and M.worker(config) then
                    starts = 0
                else
                    local fault = starts > 0 and fault_of_start(config)
                    if fault or starts == STARTS_MAX then
                        return give_up(fault or "stylecli does not start. See " .. config.log)
                    end
                    local is_started
                    if is_dead then
                        is_started = M.start_worker(config)
                    else
                        is_started = tend(config)
                    end
                    starts = starts + (is_started and 1 or 0)
                    quiet = 0
                end
            end
        end
    end

    -- Do the work of a menu script of Resolve: work(resolve, config) returns a message for people, or raises one.
    function M.run_script(work)
        local application = rawget(_G, "resolve")
        local config, message = M.config()
        if not application then
            message = "This script is for DaVinci Resolve"
        elseif config then
            local _
            _, message = pcall(work, application, config)
        end
        print("Stylize: " .. message)
    end

    return M
end)()
