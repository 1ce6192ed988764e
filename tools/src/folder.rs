//! The keys of a stopped (or, for its audit log, running) server's data folder.

use crate::failure::Failure;
use aurora_encryption::{EncryptedSealing, KeyRing, KeySource};
use aurora_env::{Env, PlainSealing, Sealing};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the blocks of a folder are sealed.
pub struct Keys {
    pub sealing: Arc<dyn Sealing>,
    pub encrypted: bool,
}

/// Opens the keys of the data folder `data`; makes none. A folder without a registry holds unsealed files.
pub fn open_keys(
    env: &Env,
    data: &Path,
    instance_id: [u8; 16],
    key_file: Option<&PathBuf>,
) -> Result<Keys, Failure> {
    let dir = data.join("keys");
    let registry = dir.join("registry");
    let exists = env.fs.exists(&registry).map_err(|error| Failure::io("look for", &registry, &error))?;
    if !exists {
        if key_file.is_some() {
            return Err(Failure::runtime(format!(
                "{} is missing: there is nothing that --key-file could open",
                registry.display()
            )));
        }
        let sealing = Arc::new(PlainSealing::new(instance_id, env.entropy.clone()));
        return Ok(Keys { sealing, encrypted: false });
    }
    let source = match key_file {
        Some(path) => KeySource::File(path.clone()),
        None => KeySource::DataFolder,
    };
    let ring = KeyRing::open_or_create(&dir, env, instance_id, &source)?;
    let sealing = Arc::new(EncryptedSealing::new(Arc::new(ring), env.entropy.clone()));
    Ok(Keys { sealing, encrypted: true })
}
