// What the Futures layer needs of Linux beyond Glibc's Swift module.
