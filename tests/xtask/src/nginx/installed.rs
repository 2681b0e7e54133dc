//! `cargo xtask nginx-package --try`: what the README says, line by line, in a copy of this system.
//!
//! The copy is a layer over `/` in a mount and network namespace of its own: what is installed there, and what
//! is written to /etc, is gone when it ends.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::certificates::Certificates;
use crate::command::{output, run as run_command};
use crate::failure::Failure;
use crate::progress::{Step, line};
use crate::workspace::{Workspace, make_folder, write_changed};

/// Where the README begins to say it; the rest of that line and the next two follow as they stand.
const FIRST: &str = "cargo xtask nginx-package && ";

/// `$1` is a folder for the layer, `$2` the script to run in it, `$3` its folder.
const LAYERED: &str = r#"
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/system"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/system"
for kind in proc dev sys; do mount --rbind "/$kind" "$1/system/$kind"; done
mount -t tmpfs none "$1/system/run"
mkdir -p "$1/system/run/lock"
ip link set lo up
exec chroot "$1/system" sh -exc 'cd "$2" && . "$1"' installed "$2" "$3"
"#;

/// What the listener must answer: a guard's refusal of a path that is never public.
const LOOK: &str = r#"
set +x
# The reload compiles the filters.
for attempt in $(seq 90); do
  curl --silent --insecure --include --max-time 5 https://127.0.0.1:8443/carbon -H 'Host: sso.example.com' \
    > answer && break
  rm -f answer
  sleep 1
done
cat answer || cat /var/log/nginx/error.log
grep -q '^HTTP/.* 404' answer
grep -qi '^x-correlation-id: ' answer
"#;

/// The package is made already.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let step = Step::begin("the README's lines, in a copy of this system");
    if output(Command::new("id").arg("-u"))?.trim_ascii() != b"0" {
        return Err(Failure::new("only root can install a package").remedy("sudo"));
    }
    let place = workspace.artefacts().join("nginx/installed");
    let layer = place.join("layer");
    make_folder(&layer)?;
    let certificates = Certificates::make(&place.join("tls"))?;
    write_changed(&place.join("postern-edge.toml"), policy(workspace, &certificates)?.as_bytes())?;
    let [install, configure, put] = lines(workspace)?;
    let script = format!(
        "export PATH={root}/target/debug:$PATH\ncd {root}\n{install}\n\
         # The distribution's own configuration serves until then.\nnginx\ncd {place}\n{configure}\n{put}\n{LOOK}\
         nginx -s quit\n",
        root = workspace.root().display(),
        place = place.display(),
    );
    let file = place.join("lines.sh");
    write_changed(&file, script.as_bytes())?;
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private"]);
    unshare.args(["sh", "-ec", LAYERED, "layered"]).arg(&layer).arg(&file).arg(&place);
    run_command(&mut unshare)?;
    line("nginx is installed, configured and guards, as the README says");
    step.done();
    Ok(())
}

/// The README's, without what has been done.
fn lines(workspace: &Workspace) -> Result<[String; 3], Failure> {
    let file = workspace.path("README.md");
    let text = fs::read_to_string(&file).map_err(|error| Failure::file("read", &file, &error))?;
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with(FIRST));
    let first = lines.next().and_then(|line| line.strip_prefix(FIRST)).map(str::to_owned);
    match (first, lines.next(), lines.next()) {
        (Some(first), Some(second), Some(third)) if second.starts_with("postern edge config") => {
            Ok([first, second.to_owned(), third.to_owned()])
        }
        _ => Err(Failure::new(format!("README.md does not say: {FIRST}"))),
    }
}

/// The example before WSO2 IS, with files that are here.
fn policy(workspace: &Workspace, certificates: &Certificates) -> Result<String, Failure> {
    let examples = workspace.path("examples/edge");
    let file = examples.join("wso2is/postern-edge.toml");
    let text = fs::read_to_string(&file).map_err(|error| Failure::file("read", &file, &error))?;
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let changes = [
        ("0.0.0.0:443", "127.0.0.1:8443".to_owned()),
        ("is1.lan.example.com", "127.0.0.1".to_owned()),
        ("is2.lan.example.com", "127.0.0.2".to_owned()),
        ("/etc/envoy/sso.crt", path(&certificates.certificate("edge"))),
        ("/etc/envoy/sso.key", path(&certificates.key("edge"))),
        ("/etc/envoy/lan-ca.crt", path(&certificates.certificate("lan-ca"))),
        ("/var/log/envoy/access.log", "/dev/null".to_owned()),
        ("../relying-parties", path(&examples.join("relying-parties"))),
    ];
    Ok(changes.iter().fold(text, |text, (from, to)| text.replace(from, to)))
}
