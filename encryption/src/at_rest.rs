//! Whether the files of an instance are encrypted: decided when its folder is made, and recorded there.
//!
//! A sealed folder has `keys/registry`; a plain one has `keys/plain` instead, which names the instance. Neither turns
//! into the other: unencrypted files in a sealed folder are refused, or whoever can write to the disk could slip in his own.

use crate::error::{KeyError, KeyResult};
use crate::key_ring::{KeyRing, KeySource, io, read, write_new};
use crate::sealing::EncryptedSealing;
use aurora_env::{Env, PlainSealing, Sealing};
use std::path::Path;
use std::sync::Arc;

const TITLE: &str = "AuroraDB does not encrypt the files of this folder";

/// How the files of a folder are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtRest {
    /// AES-256-GCM under the keys of the registry.
    Sealed,
    /// In the clear, each block with a checksum.
    Plain,
}

/// What is known of the folder before its keys are opened.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// What was asked for; without it a folder opens as it was made, and a new one is sealed.
    pub at_rest: Option<AtRest>,
    /// Nothing has been stored in it yet: only then is a registry or a mark made.
    pub is_new: bool,
}

/// Opens the keys in the folder `dir` (`DATA/keys`), or makes what a new folder needs.
///
/// # Errors
/// [`KeyError::IsSealed`] and [`KeyError::IsPlain`] when the folder was made otherwise than is wanted now, and
/// [`KeyError::RegistryMissing`] when there are files but nothing says how they were kept.
pub fn open_sealing(
    dir: &Path,
    env: &Env,
    instance_id: [u8; 16],
    source: &KeySource,
    wanted: Wanted,
) -> KeyResult<(Arc<dyn Sealing>, AtRest)> {
    let (registry, mark) = (dir.join("registry"), dir.join("plain"));
    let has = |path: &Path| env.fs.exists(path).map_err(io("look for", path));
    let at_rest = match (has(&registry)?, has(&mark)?) {
        (true, true) => return Err(KeyError::Damaged("keys/plain lies beside it")),
        (true, false) => AtRest::Sealed,
        (false, true) => AtRest::Plain,
        (false, false) if wanted.is_new => wanted.at_rest.unwrap_or(AtRest::Sealed),
        (false, false) => return Err(KeyError::RegistryMissing(registry)),
    };
    match (at_rest, wanted.at_rest) {
        (AtRest::Sealed, Some(AtRest::Plain)) => return Err(KeyError::IsSealed),
        (AtRest::Plain, Some(AtRest::Sealed)) => return Err(KeyError::IsPlain),
        _ => {}
    }
    let sealing: Arc<dyn Sealing> = match at_rest {
        AtRest::Sealed => {
            let keys = KeyRing::open_or_create(dir, env, instance_id, source)?;
            Arc::new(EncryptedSealing::new(Arc::new(keys), env.entropy.clone()))
        }
        AtRest::Plain => {
            open_or_make_mark(dir, &mark, env, instance_id)?;
            Arc::new(PlainSealing::new(instance_id, env.entropy.clone()))
        }
    };
    Ok((sealing, at_rest))
}

fn open_or_make_mark(dir: &Path, mark: &Path, env: &Env, instance_id: [u8; 16]) -> KeyResult<()> {
    let hex: String = instance_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("{TITLE}\ninstance = {hex}\n");
    if !env.fs.exists(mark).map_err(io("look for", mark))? {
        env.fs.create_dir_all(dir).map_err(io("create", dir))?;
        let pending = dir.join("plain.new");
        write_new(env, dir, &pending, text.as_bytes())?;
        env.fs.rename(&pending, mark).map_err(io("rename", &pending))?;
        return env.fs.sync_dir(dir).map_err(io("sync", dir));
    }
    let found = read(env, mark)?;
    match std::str::from_utf8(&found).ok().and_then(|found| found.strip_prefix(TITLE)) {
        None => Err(KeyError::NotAMark(mark.to_owned())),
        Some(_) if *found != text.as_bytes() => Err(KeyError::OtherInstance),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_env::FileKind;
    use aurora_env::sim::SimEnv;

    const DIR: &str = "/data/keys";
    const ID: [u8; 16] = [7; 16];

    type Opened = KeyResult<(Arc<dyn Sealing>, AtRest)>;

    fn open(sim: &SimEnv, id: [u8; 16], at_rest: Option<AtRest>, is_new: bool) -> Opened {
        open_sealing(Path::new(DIR), &sim.env(), id, &KeySource::DataFolder, Wanted { at_rest, is_new })
    }

    fn file(sim: &SimEnv, name: &str, bytes: &[u8]) {
        let (env, dir) = (sim.env(), Path::new(DIR));
        env.fs.create_dir_all(dir).unwrap();
        write_new(&env, dir, &dir.join(name), bytes).unwrap();
    }

    #[test]
    fn a_folder_stays_what_it_was_made() {
        for (made, other) in [(AtRest::Sealed, AtRest::Plain), (AtRest::Plain, AtRest::Sealed)] {
            let sim = SimEnv::new(1);
            let (sealing, _) = open(&sim, ID, Some(made), true).unwrap();
            let (header, _) = sealing.new_file(FileKind::Sst, 1).unwrap();
            assert_eq!(header.key_id != 0, made == AtRest::Sealed);
            for again in [None, Some(made)] {
                let (sealing, at_rest) = open(&sim, ID, again, false).unwrap();
                assert_eq!(at_rest, made);
                assert!(sealing.open_file(&header).is_ok());
            }
            let refused = open(&sim, ID, Some(other), false).err().unwrap();
            match made {
                AtRest::Sealed => assert!(matches!(refused, KeyError::IsSealed), "{refused}"),
                AtRest::Plain => assert!(matches!(refused, KeyError::IsPlain), "{refused}"),
            }
            assert!(matches!(open(&sim, [8; 16], None, false), Err(KeyError::OtherInstance)));
        }
    }

    #[test]
    fn new_folders_are_sealed_and_lost_registries_are_not_made_anew() {
        let sim = SimEnv::new(1);
        for wanted in [None, Some(AtRest::Plain), Some(AtRest::Sealed)] {
            assert!(matches!(open(&sim, ID, wanted, false), Err(KeyError::RegistryMissing(_))));
        }
        assert_eq!(open(&sim, ID, None, true).unwrap().1, AtRest::Sealed);
    }

    #[test]
    fn a_strange_mark_is_refused() {
        let sim = SimEnv::new(1);
        file(&sim, "plain", b"\xff");
        assert!(matches!(open(&sim, ID, None, false), Err(KeyError::NotAMark(_))));
        file(&sim, "registry", b"x");
        assert!(matches!(open(&sim, ID, None, false), Err(KeyError::Damaged(_))));
    }
}
