#!/usr/bin/env bash
# Checks that each behaviour of Tests/TestSupport/Behaviour.swift has a test that says `.proves(...)` of it, and that
# docs/semantics.md, if it is there, has the same behaviours: as the first cells of table rows, "| F1 |".
#
#   scripts/check-behaviours.sh           fails with the behaviours that are missing
#   scripts/check-behaviours.sh --list    prints the tests of each behaviour, too
#   scripts/check-behaviours.sh --help
#
# A test that is disabled without a condition proves nothing.
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

enumeration=Tests/TestSupport/Behaviour.swift
document=docs/semantics.md
list=no
case ${1-} in
    "") ;;
    --list) list=yes ;;
    --help | -h)
        show_help
        exit 0
        ;;
    *)
        complain "unknown argument '$1'; see --help"
        exit 2
        ;;
esac

# The ids in their order: what follows `case` in the enum's lines.
mapfile -t ids < <(
    sed -n '/enum Behaviour/,/^}/s/^ *case //p' "$enumeration" | tr ',' '\n' | tr -d ' '
)
if [[ ${#ids[@]} -eq 0 ]]; then
    complain "$enumeration has no behaviours"
    exit 1
fi

# Lines "ID<tab>FILE:LINE<tab>TEST", one for each test and behaviour that it proves.
proofs() {
    find Tests -name '*.swift' ! -path "$enumeration" ! -path 'Tests/MustNotCompile/*' -print0 | sort -z |
        xargs -0 awk '
            # A test is everything from its @Test to the name of its function; attributes may go over several lines.
            function tests_of(text,    rest, head, attributes, name, line, place, proof, id) {
                line = 1
                while (match(text, /@Test[^A-Za-z0-9_]/)) {
                    head = substr(text, 1, RSTART - 1)
                    rest = substr(text, RSTART + 5)
                    place = (line += gsub(/\n/, "\n", head))
                    # What the test is called, before anything else is looked for: it may say "func" itself.
                    name = ""
                    if (match(rest, /^\([ \n]*"([^"\\]|\\.)*"/)) {
                        name = substr(rest, 1, RLENGTH)
                        line += gsub(/\n/, "\n", name)
                        rest = substr(rest, RLENGTH + 1)
                        sub(/^\([ \n]*"/, "", name)
                        sub(/"$/, "", name)
                    }
                    if (!match(rest, /[^A-Za-z0-9_]func[ \n]+(`[^`]+`|[^ \n(<`]+)/)) return
                    attributes = substr(rest, 1, RSTART)
                    if (name == "") {
                        name = substr(rest, RSTART, RLENGTH)
                        sub(/^.func[ \n]+/, "", name)
                    }
                    text = rest
                    if (attributes ~ /\.disabled\(("|\))/) continue
                    while (match(attributes, /\.proves\([^)]*\)/)) {
                        proof = substr(attributes, RSTART, RLENGTH)
                        attributes = substr(attributes, RSTART + RLENGTH)
                        while (match(proof, /\.[A-Z]+[0-9]+/)) {
                            id = substr(proof, RSTART + 1, RLENGTH - 1)
                            proof = substr(proof, RSTART + RLENGTH)
                            printf "%s\t%s:%d\t%s\n", id, file, place, name
                        }
                    }
                }
            }
            FNR == 1 { tests_of(text); text = ""; file = FILENAME }
            # What is commented out does not run.
            { sub(/^[ \t]*\/\/.*/, ""); text = text $0 "\n" }
            END { tests_of(text) }
        '
}
table=$(proofs)

unproven=()
for id in "${ids[@]}"; do
    tests=$(awk -F '\t' -v id="$id" '$1 == id { printf "    %s  %s\n", $2, $3 }' <<<"$table")
    [[ -z $tests ]] && unproven+=("$id")
    if [[ $list == yes ]]; then
        printf '%s\n%s\n' "$id" "${tests:-    no test}"
    fi
done

failures=0
if [[ ${#unproven[@]} -gt 0 ]]; then
    complain "${#unproven[@]} of ${#ids[@]} behaviours have no test that says .proves(...): ${unproven[*]}"
    failures=1
fi
if [[ -e $document ]]; then
    described=$(sed -nE 's/^\| *([A-Z]+[0-9]+) *\|.*/\1/p' "$document" | sort -u)
    declared=$(printf '%s\n' "${ids[@]}" | sort -u)
    only_described=$(comm -23 <(echo "$described") <(echo "$declared") | sort -V | xargs)
    only_declared=$(comm -13 <(echo "$described") <(echo "$declared") | sort -V | xargs)
    if [[ -n $only_described ]]; then
        complain "only $document has: $only_described; add them to $enumeration"
        failures=1
    fi
    if [[ -n $only_declared ]]; then
        complain "only $enumeration has: $only_declared; describe them in $document"
        failures=1
    fi
fi
[[ $failures -gt 0 ]] && exit 1
say "behaviours: all ${#ids[@]} have a test, $(wc -l <<<"$table") proofs in all"
