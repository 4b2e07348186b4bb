# Takes the Swift code out of one page of docs/, for scripts/check-docs.sh, which says what the comments in a page mean.
#
#   awk -v work=FOLDER -f scripts/lib/swift-blocks.awk PAGE
#
# Writes FOLDER/page.swift, FOLDER/program-LINE.swift and FOLDER/module-NAME.swift, with the page's own line numbers in
# them; prints "blocks COUNT" and "fragments COUNT". Ends with 1, and a message, for a page that it cannot make sense of.

function fail(line, what) {
    printf "%s:%d: %s\n", FILENAME, line, what > "/dev/stderr"
    failed = 1
    exit 1
}

# Imports have to come first in a file: they are moved there, and leave an empty line.
function add(line) {
    if (kind != "program" && kind != "module" && line ~ /^(public |internal |private )?import [A-Za-z_]+$/) {
        imports = imports line "\n"
        line = ""
    }
    code = code line "\n"
}

function place(line) { return "#sourceLocation(file: \"" FILENAME "\", line: " line ")\n" }

function finish() {
    if (kind == "fragment") { fragments++; return }
    if (kind != "hidden") blocks++
    if (kind == "program") printf "%s%s", place(start + 1), code > (work "/program-" start ".swift")
    else if (kind == "module") printf "%s%s", place(start + 1), code > (work "/module-" name ".swift")
    else if (kind == "shared" || kind == "hidden") page = page place(start + 1) code "#sourceLocation()\n"
    else {
        # Calls that block do not compile in an async function, nor await in another.
        effects = code ~ /(^|[^A-Za-z_])(await|async let)([^A-Za-z_]|$)/ ? "async throws" : "throws"
        page = page "func block" start "() " effects " {\n" place(start + 1) code "#sourceLocation()\n}\n"
    }
}

state == "" && /^<!-- swift$/ { state = "comment"; kind = "hidden"; start = FNR; code = ""; next }
state == "comment" && /^-->$/ { finish(); state = ""; next }
state == "comment" { add($0); next }

state == "" && /^```swift$/ {
    state = "block"
    start = FNR
    code = ""
    kind = "plain"
    if (before ~ /^<!--.*-->$/) {
        if (split(before, words, " ") > 4) fail(FNR - 1, "one word is expected in the comment before a block: " before)
        kind = words[2]
        if (kind == "module") name = words[3]
        else if (kind !~ /^(shared|program|fragment)$/) fail(FNR - 1, "what is '" kind "'? See scripts/check-docs.sh --help")
    }
    next
}
state == "" && /^```./ { state = "other"; start = FNR; next }
state == "" && /^```$/ { state = "other"; start = FNR; next }
state != "" && /^```$/ { if (state == "block") finish(); state = ""; before = ""; next }
state == "block" { add($0); next }
state == "" { before = $0 }

END {
    if (failed) exit 1
    if (state != "") fail(start, "this block or comment has no end")
    if (page != "") printf "import Futures\n%s%s", imports, page > (work "/page.swift")
    printf "blocks %d\nfragments %d\n", blocks, fragments
}
