//! The keys of one instance: the key-encryption key from outside, and the data keys that it wraps.

use crate::error::{KeyError, KeyResult};
use crate::registry::{self, DataKey, KEY_BYTES, SecretKey};
use aurora_env::Env;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::UNIX_EPOCH;
use zeroize::Zeroizing;

/// Where the key-encryption key comes from.
#[derive(Clone)]
pub enum KeySource {
    /// `keys/kek` in the data folder, made at first start. It does not protect a stolen folder.
    DataFolder,
    /// `--key-file`, `AURORA_KEY_FILE`: 64 hexadecimal digits. It must exist.
    File(PathBuf),
    /// Handed in by a key service or a test.
    Bytes(Zeroizing<[u8; KEY_BYTES]>),
}

/// Data keys by id. A key is durable in the registry, and has been read back, before a file uses it.
pub struct KeyRing {
    env: Env,
    dir: PathBuf,
    instance_id: [u8; 16],
    state: RwLock<State>,
}

struct State {
    kek: SecretKey,
    /// In order of their records; the last is the current one.
    keys: Vec<DataKey>,
}

pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeyError {
    move |source| KeyError::Io { action, path: path.to_owned(), source: source.into() }
}

impl KeyRing {
    /// Opens the registry in the folder `dir`, or makes it with a first data key.
    ///
    /// # Errors
    /// [`KeyError::WrongKek`] when the registry was written under another key-encryption key.
    pub fn open_or_create(
        dir: &Path,
        env: &Env,
        instance_id: [u8; 16],
        source: &KeySource,
    ) -> KeyResult<KeyRing> {
        env.fs.create_dir_all(dir).map_err(io("create", dir))?;
        let path = dir.join("registry");
        let exists = env.fs.exists(&path).map_err(io("look for", &path))?;
        let kek = load_kek(dir, env, source, exists)?;
        if !exists {
            let state = State { kek, keys: vec![new_key(env, 1)] };
            write_registry(env, dir, instance_id, &state)?;
            return Ok(KeyRing {
                env: env.clone(),
                dir: dir.to_owned(),
                instance_id,
                state: RwLock::new(state),
            });
        }
        let bytes = read(env, &path)?;
        let kek = if registry::opens(&kek, instance_id, &bytes)? {
            kek
        } else {
            finish_kek_rotation(dir, env, instance_id, source, &bytes)?.ok_or(KeyError::WrongKek)?
        };
        let keys = registry::open_all(&kek, &bytes)?;
        if keys.is_empty() {
            return Err(KeyError::Damaged("it holds no key"));
        }
        Ok(KeyRing {
            env: env.clone(),
            dir: dir.to_owned(),
            instance_id,
            state: RwLock::new(State { kek, keys }),
        })
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn instance_id(&self) -> [u8; 16] {
        self.instance_id
    }

    /// The data key that new files are encrypted under.
    pub fn current_id(&self) -> u32 {
        self.state().keys.last().map_or(0, |key| key.id)
    }

    /// Ids of all data keys and when they were made (seconds since 1970).
    pub fn data_keys(&self) -> Vec<(u32, u64)> {
        self.state().keys.iter().map(|key| (key.id, key.created_s)).collect()
    }

    pub(crate) fn data_key(&self, id: u32) -> Option<SecretKey> {
        self.state().keys.iter().find(|key| key.id == id).map(|key| key.key.clone())
    }

    /// Makes a new data key for new files and returns its id; old files keep theirs until they are rewritten.
    pub fn rotate_data_key(&self) -> KeyResult<u32> {
        let id = self.current_id().checked_add(1).ok_or(KeyError::Damaged("key ids are used up"))?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut keys = state.keys.clone();
        keys.push(new_key(&self.env, id));
        let next = State { kek: state.kek.clone(), keys };
        write_registry(&self.env, &self.dir, self.instance_id, &next)?;
        *state = next;
        Ok(id)
    }

    /// Wraps all data keys anew under a fresh key-encryption key in `keys/kek`: no data is rewritten. A crash in between
    /// leaves either the old pair or the new one.
    pub fn rotate_kek(&self) -> KeyResult<()> {
        let mut fresh = Zeroizing::new([0; KEY_BYTES]);
        self.env.entropy.fill(&mut *fresh);
        let (pending, kek) = (self.dir.join("kek.new"), self.dir.join("kek"));
        write_kek(&self.env, &self.dir, &pending, &fresh)?;
        self.rewrap(fresh)?;
        self.env.fs.rename(&pending, &kek).map_err(io("rename", &pending))?;
        self.env.fs.sync_dir(&self.dir).map_err(io("sync", &self.dir))
    }

    /// As [`KeyRing::rotate_kek`], under a key that is kept elsewhere.
    pub fn rewrap(&self, kek: Zeroizing<[u8; KEY_BYTES]>) -> KeyResult<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let next = State { kek, keys: state.keys.clone() };
        write_registry(&self.env, &self.dir, self.instance_id, &next)?;
        *state = next;
        Ok(())
    }
}

/// Writes a whole registry beside the old one, reads it back, then renames it into place.
fn write_registry(env: &Env, dir: &Path, instance_id: [u8; 16], state: &State) -> KeyResult<()> {
    let head = registry::head(&state.kek, instance_id, state.keys.len() as u64);
    let mut bytes = head.to_vec();
    for (place, key) in state.keys.iter().enumerate() {
        bytes.extend_from_slice(&registry::seal(&state.kek, &head, place as u64, key, &*env.entropy)?);
    }
    let (pending, path) = (dir.join("registry.new"), dir.join("registry"));
    write_new(env, dir, &pending, &bytes)?;
    if registry::open_all(&state.kek, &read(env, &pending)?)?.len() != state.keys.len() {
        return Err(KeyError::Damaged("a new registry does not read back"));
    }
    env.fs.rename(&pending, &path).map_err(io("rename", &pending))?;
    env.fs.sync_dir(dir).map_err(io("sync", dir))
}

fn new_key(env: &Env, id: u32) -> DataKey {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    env.entropy.fill(&mut *key);
    let created_s = env.clock.wall().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    DataKey { id, created_s, key }
}

pub(crate) fn read(env: &Env, path: &Path) -> KeyResult<Zeroizing<Vec<u8>>> {
    let file = env.fs.open(path).map_err(io("open", path))?;
    registry::read_all(&*file).map_err(io("read", path))
}

/// A new file, durable with its name; what a crash left under the name is replaced.
pub(crate) fn write_new(env: &Env, dir: &Path, path: &Path, bytes: &[u8]) -> KeyResult<()> {
    if env.fs.exists(path).map_err(io("look for", path))? {
        env.fs.remove(path).map_err(io("remove", path))?;
    }
    let file = env.fs.create(path).map_err(io("create", path))?;
    file.write_all_at(bytes, 0).map_err(io("write", path))?;
    file.sync_data().map_err(io("sync", path))?;
    env.fs.sync_dir(dir).map_err(io("sync", dir))
}

fn write_kek(env: &Env, dir: &Path, path: &Path, kek: &SecretKey) -> KeyResult<()> {
    let mut text = Zeroizing::new(Vec::with_capacity(2 * KEY_BYTES + 1));
    for byte in kek.iter() {
        for nibble in [byte >> 4, byte & 15] {
            text.push(b"0123456789abcdef"[usize::from(nibble)]);
        }
    }
    text.push(b'\n');
    write_new(env, dir, path, &text)
}

fn parse_kek(text: &[u8]) -> Option<SecretKey> {
    let digits = text.trim_ascii();
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut kek = Zeroizing::new([0; KEY_BYTES]);
    for (byte, pair) in kek.iter_mut().zip(digits.chunks_exact(2)) {
        let nibble = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(kek)
}

fn read_kek(env: &Env, path: &Path) -> KeyResult<SecretKey> {
    parse_kek(&read(env, path)?).ok_or_else(|| KeyError::NotAKey(path.to_owned()))
}

fn load_kek(dir: &Path, env: &Env, source: &KeySource, registry_exists: bool) -> KeyResult<SecretKey> {
    match source {
        KeySource::Bytes(kek) => Ok(kek.clone()),
        KeySource::File(path) => read_kek(env, path),
        KeySource::DataFolder => {
            let path = dir.join("kek");
            if env.fs.exists(&path).map_err(io("look for", &path))? {
                return read_kek(env, &path);
            }
            if registry_exists {
                return Err(KeyError::KekMissing(path));
            }
            let mut kek = Zeroizing::new([0; KEY_BYTES]);
            env.entropy.fill(&mut *kek);
            let pending = dir.join("kek.new");
            write_kek(env, dir, &pending, &kek)?;
            env.fs.rename(&pending, &path).map_err(io("rename", &pending))?;
            env.fs.sync_dir(dir).map_err(io("sync", dir))?;
            Ok(kek)
        }
    }
}

/// The other half of a [`KeyRing::rotate_kek`] that a crash cut short after the registry was replaced.
fn finish_kek_rotation(
    dir: &Path,
    env: &Env,
    instance_id: [u8; 16],
    source: &KeySource,
    registry_bytes: &[u8],
) -> KeyResult<Option<SecretKey>> {
    let pending = dir.join("kek.new");
    if !matches!(source, KeySource::DataFolder)
        || !env.fs.exists(&pending).map_err(io("look for", &pending))?
    {
        return Ok(None);
    }
    let kek = read_kek(env, &pending)?;
    if !registry::opens(&kek, instance_id, registry_bytes)? {
        return Ok(None);
    }
    env.fs.rename(&pending, &dir.join("kek")).map_err(io("rename", &pending))?;
    env.fs.sync_dir(dir).map_err(io("sync", dir))?;
    Ok(Some(kek))
}
