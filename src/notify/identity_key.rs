//! The key that rows are told apart with, without telling theirs: hashed masks, conversations, repeats and remembered states all
//! depend on it, so it lives as long as the state directory.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

const LENGTH: usize = 32;

/// The key of a state directory; made when there is none.
///
/// # Errors
/// When the file can neither be read nor made, or is not ours.
pub fn load_or_make(directory: &Path) -> io::Result<Vec<u8>> {
    let path = directory.join("identity.key");
    match std::fs::read(&path) {
        Ok(key) if key.len() == LENGTH => return Ok(key),
        Ok(_) => {
            let what = "identity.key does not have 32 bytes: remove it to have another one made";
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = vec![0; LENGTH];
    openssl::rand::rand_bytes(&mut key).map_err(io::Error::other)?;
    std::fs::create_dir_all(directory)?;
    // A crash in between must not leave half a key.
    let fresh = directory.join("identity.key.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(&key)?;
    file.sync_all()?;
    std::fs::rename(&fresh, &path)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_nobody_else_reads_it() {
        use std::os::unix::fs::MetadataExt as _;
        let directory = tempfile::tempdir().unwrap();
        let first = load_or_make(directory.path()).unwrap();
        assert_eq!(load_or_make(directory.path()).unwrap(), first);
        let file = directory.path().join("identity.key");
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        std::fs::write(&file, "short").unwrap();
        assert!(load_or_make(directory.path()).is_err());
    }
}
