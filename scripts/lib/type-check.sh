# Compiles Swift files as part of a program that uses the library, so that only what is public counts: in the Swift 6
# language mode, against the modules that `swift build` has made. To be sourced after common.sh.
folder=$(swift build --show-bin-path)
if [[ ! -e $folder/Modules/Futures.swiftmodule ]]; then
    complain "$folder/Modules/Futures.swiftmodule is not there; run 'swift build' first"
    exit 1
fi

# Without the compiler's driver: it takes as long to start as the rest does. Errors come on standard output.
compile() {
    timeout --foreground 120 swiftc -frontend -parse-as-library -swift-version 6 -diagnostic-style=llvm \
        -I "$folder/Modules" -I Sources/CProto/include \
        -Xcc "-fmodule-map-file=$folder/CProto.build/module.modulemap" "$@" 2>&1
}
type_check() { compile -typecheck -module-name Program "$@"; }
export folder
export -f compile type_check
