-- The globals that a Lua text reads and sets, by LuaJIT's own bytecode: also in code that no test runs. Two lists.
local text, name = ...
local util = require("jit.util")

-- The number of the instruction at a place of a program: the lowest 8 bits.
local function instruction(program, at)
    return bit.band(util.funcbc(program, at), 0xFF)
end
local READ = instruction(loadstring("return a_global"), 1)
local SET = instruction(loadstring("a_global = nil"), 2)

local lists = { [READ] = {}, [SET] = {} }
local function look_at(program)
    local at = 1
    while util.funcbc(program, at) do
        local list = lists[instruction(program, at)]
        if list then -- the highest 16 bits tell which constant is the name
            list[#list + 1] = util.funck(program, -bit.rshift(util.funcbc(program, at), 16) - 1)
        end
        at = at + 1
    end
    local place = -1
    local constant = util.funck(program, place)
    while constant ~= nil do
        if type(constant) == "proto" then -- a function in it
            look_at(constant)
        end
        place = place - 1
        constant = util.funck(program, place)
    end
end
look_at(assert(loadstring(text, "@" .. name)))
return table.concat(lists[READ], " "), table.concat(lists[SET], " ")
