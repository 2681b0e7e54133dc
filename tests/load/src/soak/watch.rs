//! The daemon ends with us, however we end.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that waits for our end and then ends what the folder's files name. A daemon is nobody's child:
/// no signal at a parent's death reaches it.
pub(super) struct Watch {
    shell: Child,
}

/// It reads until the pipe closes, which the kernel does when we end. A process id that is another
/// program's by then is left alone.
const SCRIPT: &str = r#"
cat > /dev/null
for file in "$1/nginx.pid" "$1/nginx.pid.oldbin"; do
  [ -f "$file" ] && read -r id < "$file" && grep -q '^nginx: master' "/proc/$id/cmdline" && kill -TERM "$id"
done
exit 0
"#;

impl Watch {
    /// # Errors
    /// When there is no shell.
    pub(super) fn over(folder: &Path) -> io::Result<Self> {
        let mut command = Command::new("sh");
        // In a group of its own: what ends ours with a signal does not end it.
        command.args(["-c", SCRIPT, "watch"]).arg(folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { shell: command.spawn()? })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::Watch;

    #[test]
    fn what_the_files_name_ends_with_the_watch_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let sleeper = |name: &str| Command::new("sleep").arg0(name).arg("600").spawn().unwrap();
        let (mut master, mut other) = (sleeper("nginx: master process"), sleeper("another program"));
        fs::write(folder.path().join("nginx.pid"), format!("{}\n", master.id())).unwrap();
        fs::write(folder.path().join("nginx.pid.oldbin"), format!("{}\n", other.id())).unwrap();
        let watch = Watch::over(folder.path()).unwrap();
        assert_eq!(master.try_wait().unwrap(), None, "it waits");
        drop(watch);
        assert!(!master.wait().unwrap().success(), "ended by the signal");
        assert_eq!(other.try_wait().unwrap(), None);
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
