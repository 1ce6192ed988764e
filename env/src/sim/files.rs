//! The simulated disk behind [`FileSystem`].

use super::SimRng;
use super::disk::{Disk, Inode, SimFaults};
use crate::{DirLock, File, FileSystem};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// An in-memory file system that forgets what was not synced. Seeded.
pub struct SimFs {
    disk: Mutex<Disk>,
    rng: Mutex<SimRng>,
    this: Weak<SimFs>,
}

fn died() -> io::Error {
    io::Error::other("the simulated machine has crashed")
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn name_of(path: &Path) -> io::Result<(&Path, &str)> {
    let parent = path.parent().ok_or_else(not_found)?;
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(not_found)?;
    Ok((parent, name))
}

impl SimFs {
    pub fn new(seed: u64) -> Arc<SimFs> {
        Arc::new_cyclic(|this| SimFs {
            disk: Mutex::new(Disk::default()),
            rng: Mutex::new(SimRng::new(seed)),
            this: this.clone(),
        })
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rng(&self) -> MutexGuard<'_, SimRng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Power loss and restart: each unsynced sector is old or new, unsynced names may be gone, locks are free,
    /// handles of the former life fail.
    pub fn crash(&self) {
        self.disk().crash(&mut self.rng());
    }

    /// The process dies, the operating system lives: nothing is lost, handles fail, locks are free.
    pub fn kill_process(&self) {
        let mut disk = self.disk();
        disk.dead = false;
        disk.life += 1;
        disk.locks.clear();
        disk.faults.crash_after = None;
    }

    /// Orders faults; they replace those ordered before.
    pub fn set_faults(&self, faults: SimFaults) {
        self.disk().faults = faults;
    }

    /// Changing operations so far.
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// Whether the ordered crash has happened.
    pub fn is_dead(&self) -> bool {
        self.disk().dead
    }

    pub fn used_bytes(&self) -> u64 {
        self.disk().used_bytes
    }

    /// Inverts one bit, in memory and on disk.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) -> io::Result<()> {
        let mut disk = self.disk();
        let inode = disk.inode(path).ok_or_else(not_found)?;
        let file = disk.files.get_mut(&inode).ok_or_else(not_found)?;
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        for bytes in [&mut file.current, &mut file.durable] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (bit & 7);
            }
        }
        Ok(())
    }

    pub fn file_len(&self, path: &Path) -> io::Result<u64> {
        let disk = self.disk();
        let inode = disk.inode(path).ok_or_else(not_found)?;
        Ok(disk.files.get(&inode).map_or(0, |file| file.current.len() as u64))
    }

    /// Counts a changing operation; the one that meets the ordered crash still happens, unsynced.
    fn step(disk: &mut Disk) -> io::Result<()> {
        if disk.dead {
            return Err(died());
        }
        disk.operations += 1;
        match &mut disk.faults.crash_after {
            Some(0) => disk.dead = true,
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }

    fn reserve(disk: &mut Disk, grow_bytes: u64) -> io::Result<()> {
        if let Some(capacity) = disk.faults.capacity_bytes
            && grow_bytes > 0
            && disk.used_bytes + grow_bytes > capacity
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.used_bytes += grow_bytes;
        Ok(())
    }

    fn handle(&self, inode: Inode, life: u64) -> io::Result<Arc<dyn File>> {
        let fs = self.this.upgrade().ok_or_else(died)?;
        Ok(Arc::new(SimFile { fs, inode, life }))
    }
}

struct SimFile {
    fs: Arc<SimFs>,
    inode: Inode,
    life: u64,
}

impl SimFile {
    fn alive(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.fs.disk();
        if disk.dead || disk.life != self.life {
            return Err(died());
        }
        Ok(disk)
    }

    fn changing(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.alive()?;
        SimFs::step(&mut disk)?;
        Ok(disk)
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let disk = self.alive()?;
        let file = disk.files.get(&self.inode).ok_or_else(not_found)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.current.len());
        let n = buf.len().min(file.current.len() - start);
        buf[..n].copy_from_slice(&file.current[start..start + n]);
        Ok(n)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.changing()?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let len = disk.files.get(&self.inode).ok_or_else(not_found)?.current.len();
        SimFs::reserve(&mut disk, (start + buf.len()).saturating_sub(len) as u64)?;
        let file = disk.files.get_mut(&self.inode).ok_or_else(not_found)?;
        file.write(buf, start);
        if disk.dead { Err(died()) } else { Ok(()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.changing()?;
        if disk.dead {
            return Err(died());
        }
        let failing = match &mut disk.faults.fail_sync_after {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        if failing {
            disk.faults.fail_sync_after = None;
            let file = disk.files.get_mut(&self.inode).ok_or_else(not_found)?;
            file.fail_sync(&mut self.fs.rng());
            return Err(io::Error::other("the simulated sync failed"));
        }
        disk.files.get_mut(&self.inode).ok_or_else(not_found)?.sync();
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.alive()?.files.get(&self.inode).ok_or_else(not_found)?.current.len() as u64)
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        let mut disk = self.changing()?;
        let len = usize::try_from(len_bytes).map_err(io::Error::other)?;
        let old = disk.files.get(&self.inode).ok_or_else(not_found)?.current.len() as u64;
        SimFs::reserve(&mut disk, len_bytes.saturating_sub(old))?;
        disk.used_bytes -= old.saturating_sub(len_bytes);
        disk.files.get_mut(&self.inode).ok_or_else(not_found)?.set_len(len);
        Ok(())
    }
}

struct SimLock {
    fs: Weak<SimFs>,
    path: PathBuf,
    life: u64,
}

impl DirLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        if let Some(fs) = self.fs.upgrade() {
            let mut disk = fs.disk();
            if disk.life == self.life {
                disk.locks.remove(&self.path);
            }
        }
    }
}

impl FileSystem for SimFs {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let (parent, name) = name_of(path)?;
        let mut disk = self.disk();
        SimFs::step(&mut disk)?;
        if disk.inode(path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        disk.next_inode += 1;
        let inode = disk.next_inode;
        disk.folders.get_mut(parent).ok_or_else(not_found)?.link(name, inode);
        disk.files.insert(inode, Default::default());
        self.handle(inode, disk.life)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let disk = self.disk();
        if disk.dead {
            return Err(died());
        }
        let inode = disk.inode(path).ok_or_else(not_found)?;
        self.handle(inode, disk.life)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let ((from_dir, from_name), (to_dir, to_name)) = (name_of(from)?, name_of(to)?);
        let mut disk = self.disk();
        SimFs::step(&mut disk)?;
        let inode = disk.inode(from).ok_or_else(not_found)?;
        let replaced = disk.inode(to);
        if from_dir == to_dir {
            disk.folders.get_mut(from_dir).ok_or_else(not_found)?.rename(from_name, to_name);
        } else {
            disk.folders.get_mut(to_dir).ok_or_else(not_found)?.link(to_name, inode);
            disk.folders.get_mut(from_dir).ok_or_else(not_found)?.unlink(from_name);
        }
        if let Some(replaced) = replaced {
            disk.drop_if_unlinked(replaced);
        }
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (to_dir, to_name) = name_of(to)?;
        let mut disk = self.disk();
        SimFs::step(&mut disk)?;
        let inode = disk.inode(from).ok_or_else(not_found)?;
        if disk.inode(to).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        disk.folders.get_mut(to_dir).ok_or_else(not_found)?.link(to_name, inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = name_of(path)?;
        let mut disk = self.disk();
        SimFs::step(&mut disk)?;
        let inode = disk.inode(path).ok_or_else(not_found)?;
        disk.folders.get_mut(parent).ok_or_else(not_found)?.unlink(name);
        disk.drop_if_unlinked(inode);
        Ok(())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let disk = self.disk();
        if disk.dead {
            return Err(died());
        }
        Ok(disk.inode(path).is_some() || disk.folders.contains_key(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let disk = self.disk();
        if disk.dead {
            return Err(died());
        }
        let folder = disk.folders.get(dir).ok_or_else(not_found)?;
        let mut names: Vec<String> = folder.current.keys().cloned().collect();
        let below = disk.folders.keys().filter(|path| path.parent() == Some(dir));
        names.extend(below.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())));
        Ok(names)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        // Folders are durable at once: nothing here depends on losing one.
        let mut disk = self.disk();
        if disk.dead {
            return Err(died());
        }
        for path in dir.ancestors() {
            disk.folders.entry(path.to_owned()).or_default();
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        SimFs::step(&mut disk)?;
        if disk.dead {
            return Err(died());
        }
        disk.folders.get_mut(dir).ok_or_else(not_found)?.sync();
        Ok(())
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        let disk = self.disk();
        Ok(disk.faults.capacity_bytes.map_or(1 << 40, |capacity| capacity.saturating_sub(disk.used_bytes)))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        let mut disk = self.disk();
        if disk.dead {
            return Err(died());
        }
        if !disk.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { fs: self.this.clone(), path: path.to_owned(), life: disk.life }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synced_bytes_survive_a_crash_and_unsynced_sectors_are_each_old_or_new() {
        let (mut olds, mut news) = (0, 0);
        for seed in 0..20 {
            let fs = SimFs::new(seed);
            let dir = Path::new("/d");
            fs.create_dir_all(dir).unwrap();
            let file = fs.create(&dir.join("f")).unwrap();
            file.write_all_at(&[1; 2048], 0).unwrap();
            file.sync_data().unwrap();
            fs.sync_dir(dir).unwrap();
            file.write_all_at(&[2; 2048], 0).unwrap();
            fs.crash();
            assert!(file.len().is_err(), "a handle of the former life");
            let file = fs.open(&dir.join("f")).unwrap();
            let mut bytes = [0; 2048];
            file.read_exact_at(&mut bytes, 0).unwrap();
            for sector in bytes.chunks(512) {
                assert!(sector.iter().all(|&byte| byte == sector[0]));
                olds += usize::from(sector[0] == 1);
                news += usize::from(sector[0] == 2);
            }
        }
        assert!(olds > 10 && news > 10 && olds + news == 80);
    }

    #[test]
    fn an_unsynced_name_may_be_lost_and_a_synced_one_is_not() {
        let mut lost = 0;
        for seed in 0..20 {
            let fs = SimFs::new(seed);
            let dir = Path::new("/d");
            fs.create_dir_all(dir).unwrap();
            fs.create(&dir.join("kept")).unwrap();
            fs.sync_dir(dir).unwrap();
            fs.create(&dir.join("risky")).unwrap();
            fs.crash();
            assert!(fs.exists(&dir.join("kept")).unwrap());
            lost += usize::from(!fs.exists(&dir.join("risky")).unwrap());
        }
        assert!(lost > 0 && lost < 20);
    }

    #[test]
    fn a_failed_sync_loses_pages_for_good_and_a_full_disk_refuses_growth() {
        let fs = SimFs::new(3);
        let dir = Path::new("/d");
        fs.create_dir_all(dir).unwrap();
        let file = fs.create(&dir.join("f")).unwrap();
        fs.sync_dir(dir).unwrap();
        file.write_all_at(&[7; 64 * 512], 0).unwrap();
        fs.set_faults(SimFaults { fail_sync_after: Some(0), ..Default::default() });
        assert!(file.sync_data().is_err());
        file.sync_data().unwrap();
        fs.crash();
        let file = fs.open(&dir.join("f")).unwrap();
        let mut bytes = vec![0; 64 * 512];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(bytes.contains(&0), "the second sync must not save what the first lost");
        fs.set_faults(SimFaults { capacity_bytes: Some(64 * 512), ..Default::default() });
        assert_eq!(file.write_all_at(&[1], 64 * 512).unwrap_err().kind(), io::ErrorKind::StorageFull);
        file.write_all_at(&[1], 0).unwrap();
    }

    #[test]
    fn an_ordered_crash_stops_every_later_operation() {
        let fs = SimFs::new(3);
        let dir = Path::new("/d");
        fs.create_dir_all(dir).unwrap();
        fs.set_faults(SimFaults { crash_after: Some(1), ..Default::default() });
        let file = fs.create(&dir.join("f")).unwrap();
        assert!(file.write_all_at(&[7; 512], 0).is_err());
        assert!(fs.is_dead() && fs.open(&dir.join("f")).is_err());
        fs.crash();
        assert!(fs.list(dir).is_ok());
    }
}
