//! What the linker and the sources have to know of the nginx that the module is built for.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a build script talks to cargo so")]

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(chained_headers)");
    let Ok(version) = std::env::var("DEP_NGINX_VERSION_NUMBER") else { return };
    // Since 1.23 headers of one name are a list, before that some of them were an array.
    if version.trim().parse::<u32>().is_ok_and(|version| version >= 1_023_000) {
        println!("cargo:rustc-cfg=chained_headers");
    }
    // nginx closes a module when it forgets a configuration; threads and signal handlers of the
    // WebAssembly engine would go on in memory that is gone.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
