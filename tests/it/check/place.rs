//! What a folder lies on, by the system's words and by names.

use std::path::Path;

use rushes::disk::file_system::{Trouble, mounted_as, nearest, trouble};

const MOUNTS: &str = "\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:20 / /tmp rw - tmpfs tmpfs rw
23 21 0:21 / /mnt/my\\040share rw shared:3 master:4 - cifs //host/share rw
24 23 0:22 / /mnt/my\\040share/deep rw - nfs4 host:/x rw
25 22 0:23 / /tmp rw - exfat /dev/sdb1 rw
nonsense
";

#[test]
fn field_24_the_file_system_is_that_of_the_longest_mount_and_of_the_last_one_there() {
    for (path, kind) in [
        ("/home/me/film", "ext4"),
        ("/tmpfile", "ext4"),
        ("/tmp/x", "exfat"),
        ("/mnt/my share", "cifs"),
        ("/mnt/my share/a/b", "cifs"),
        ("/mnt/my share/deep/b", "nfs4"),
    ] {
        assert_eq!(mounted_as(MOUNTS, Path::new(path)).as_deref(), Some(kind), "{path}");
    }
    assert_eq!(mounted_as("", Path::new("/")), None);
}

#[test]
fn field_24_shares_small_sticks_and_synced_folders_are_known_by_type_or_name() {
    for (kind, path, expected) in [
        (Some("ext4"), "/home/me/film", None),
        (None, "/home/me/film", None),
        (Some("nfs4"), "/mnt/film", Some(Trouble::Network)),
        (Some("cifs"), "/mnt/film", Some(Trouble::Network)),
        (Some("smb3"), "/mnt/film", Some(Trouble::Network)),
        (Some("fuse.sshfs"), "/mnt/film", Some(Trouble::Network)),
        (Some("9p"), "/mnt/c/film", Some(Trouble::Network)),
        (Some("exfat"), "/media/stick", Some(Trouble::Fat)),
        (Some("vfat"), "/media/stick", Some(Trouble::Fat)),
        (Some("tmpfs"), "/tmp/film", Some(Trouble::Memory)),
        (Some("ext4"), "/home/me/Dropbox/film", Some(Trouble::Synced("Dropbox"))),
        (Some("ext4"), "/home/me/Dropbox (Studio)/film", Some(Trouble::Synced("Dropbox"))),
        (Some("apfs"), "/Users/me/OneDrive - Studio/film", Some(Trouble::Synced("OneDrive"))),
        (
            None,
            "/Users/me/Library/Mobile Documents/com~apple~CloudDocs",
            Some(Trouble::Synced("iCloud")),
        ),
        (None, "/Users/me/Library/CloudStorage/Box-Box", Some(Trouble::Synced("a cloud service"))),
        (Some("ext4"), "/home/me/Dropboxes/film", None),
    ] {
        assert_eq!(trouble(kind, Path::new(path)), expected, "{kind:?} {path}");
    }
}

#[test]
fn a_folder_that_is_still_to_be_made_is_judged_by_the_one_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().canonicalize().unwrap();
    assert_eq!(nearest(&folder.path().join("a/b/c")).unwrap(), there);
    assert_eq!(nearest(folder.path()).unwrap(), there);
}
