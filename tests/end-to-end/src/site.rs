//! The whole picture: a proxy in the DMZ, Postern in the LAN.
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::browser::Browser;
use crate::certificates::Authority;
use crate::client::Origin;
use crate::names::Names;
use crate::postern::Postern;
use crate::process::free_port;
use crate::proxy::{Kind, Proxy};

/// The name that everybody outside uses. Node, Python and Apache resolve it without help.
const NAME: &str = "localhost";

/// How long the edge may take to fetch the keys.
const KEYS: Duration = Duration::from_secs(20);

/// A person that can sign in.
pub const USER: (&str, &str) = ("alice", "correct horse battery staple");

/// Postern behind a proxy, both running.
pub struct Site {
    /// The host in the LAN.
    pub postern: Postern,
    /// The proxy in the DMZ.
    pub proxy: Proxy,
    /// Issued the certificate that browsers see.
    pub web: Authority,
    /// What everybody outside calls it.
    name: String,
    folder: PathBuf,
}

impl Site {
    /// Starts both, with one person. The proxy runs with what `postern edge config` writes once
    /// `register` has registered the applications.
    ///
    /// # Panics
    /// When anything does not start.
    pub fn start<A>(
        kind: Kind,
        folder: &Path,
        settings: &str,
        register: impl FnOnce(&Postern, &str) -> A,
    ) -> (Self, A) {
        let configure = |base_url: &str| Postern::configure(&folder.join("lan"), base_url, settings);
        Self::start_as(kind, NAME, folder, configure, register)
    }

    /// The same at one of these names.
    ///
    /// # Panics
    /// As [`Site::start`].
    pub fn start_at<A>(
        kind: Kind,
        (name, names): (&str, &Names),
        folder: &Path,
        register: impl FnOnce(&Postern, &str) -> A,
    ) -> (Self, A) {
        let configure = |base_url: &str| Postern::configure_with(&folder.join("lan"), base_url, names, "");
        Self::start_as(kind, name, folder, configure, register)
    }

    fn start_as<A>(
        kind: Kind,
        name: &str,
        folder: &Path,
        configure: impl FnOnce(&str) -> Postern,
        register: impl FnOnce(&Postern, &str) -> A,
    ) -> (Self, A) {
        let port = free_port();
        let base_url = format!("https://{name}:{port}");
        let mut postern = configure(&base_url);
        postern.add_user(USER.0, USER.1);
        let web = Authority::new(folder, "web");
        let dmz = folder.join("dmz");
        fs::create_dir_all(&dmz).expect("a folder to write to");
        let access_log = dmz.join("access.log");
        postern.append(&postern.edge_section(port, &web.issue("edge", &[name]), &access_log));
        let applications = register(&postern, &base_url);
        postern.start();
        let configuration = postern.run(&["edge", "config", "--for", kind.name()]);
        let proxy = Proxy::start(kind, &dmz, &configuration, port, access_log);
        let site = Self { postern, proxy, web, name: name.into(), folder: folder.into() };
        site.wait_for_keys();
        (site, applications)
    }

    /// Until the token validator has fetched the keys, it answers 503.
    fn wait_for_keys(&self) {
        let authority = self.edge().authority();
        let request = format!(
            "GET /oauth2/userinfo HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer a.b.c\r\nconnection: close\r\n\r\n"
        );
        let begun = Instant::now();
        while self.edge().exchange(request.as_bytes()).expect("an answer").status == 503 {
            assert!(begun.elapsed() < KEYS, "no keys at the edge:\n{}", self.proxy.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(self.web.client(None))
    }

    /// The edge, for exact bytes.
    pub fn edge(&self) -> Origin {
        Origin::tls(self.proxy.port(), &self.name, self.web.client(None))
    }

    /// The public origin.
    pub fn base_url(&self) -> &str {
        &self.postern.base_url
    }

    /// A document that anybody can fetch through the edge.
    ///
    /// # Panics
    /// When it can't be fetched.
    pub fn fetch(&self, path: &str) -> String {
        let page = self.browser().open(&format!("{}{path}", self.base_url())).expect("an answer");
        assert_eq!(page.answer.status, 200, "{path}: {}", page.text());
        page.text()
    }

    /// A folder for the relying party of that name.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn folder_for(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).expect("a folder to write to");
        folder
    }
}
