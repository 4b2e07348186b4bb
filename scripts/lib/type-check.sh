# Compiles Swift files as those of a program that uses the library: a package of its own, in the Swift 6 language mode,
# against the modules that `swift build` has made. To be sourced after common.sh.
folder=$(swift build --show-bin-path)
if [[ ! -e $folder/Modules/Futures.swiftmodule ]]; then
    complain "$folder/Modules/Futures.swiftmodule is not there; run 'swift build' first"
    exit 1
fi

# Runs the compiler. What it has to say comes on standard output.
compile() {
    timeout --foreground 120 swiftc -parse-as-library -swift-version 6 -diagnostic-style=llvm \
        -I "$folder/Modules" -I Sources/CProto/include \
        -Xcc "-fmodule-map-file=$folder/CProto.build/module.modulemap" "$@" 2>&1
}
type_check() { compile -typecheck "$@"; }
export folder
export -f compile type_check
