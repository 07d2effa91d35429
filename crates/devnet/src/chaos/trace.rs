//! What a process did, from outside: its system calls as strace wrote them down, and whether what
//! left the process was on the disk before.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use alloy_primitives::hex;

/// What is written down: what changes files, and what leaves the process.
const CALLS: &str = "trace=write,pwrite64,writev,sendto,sendmsg,fsync,fdatasync,rename,renameat,\
                     renameat2,link,linkat";

/// The tracer behind which a process starts that writes its calls to a file.
pub(super) fn tracer(output: &Path) -> Vec<OsString> {
    // Whole contents, all of them in hexadecimal; the tracer is not the parent of the process.
    ["strace", "-D", "-f", "-y", "-xx", "-s", "1048576", "-qq", "-e", CALLS, "-o"]
        .map(OsString::from)
        .into_iter()
        .chain([output.into()])
        .collect()
}

/// One call that did not fail, and where in the file it begins and is over.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    name: String,
    /// What it is about: a path, or the name of a socket.
    file: String,
    /// What stood between quotation marks or pointed brackets, in hexadecimal digits: a file, then
    /// bytes. Searching digits is quicker than searching bytes.
    quoted: Vec<String>,
    begin: usize,
    end: usize,
}

/// The calls of a process.
#[derive(Debug)]
pub(super) struct Trace(Vec<Call>);

impl Trace {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        Ok(Self(calls(&text)))
    }

    /// The raw transactions that were sent, in the order of their first sending.
    pub(super) fn raw_transactions(&self) -> Vec<Vec<u8>> {
        let method = hex::encode("eth_sendRawTransaction");
        let mut found: Vec<Vec<u8>> = Vec::new();
        let sendings = self.0.iter().filter(|call| call.is_sending());
        for digits in sendings.flat_map(|call| call.quoted.iter().skip(1)) {
            let Some(place) = digits.find(&method) else { continue };
            let text = decoded(&digits[place..]);
            let Some((_, rest)) = text.split_once("\"0x") else { continue };
            let raw = hex::decode(rest.split('"').next().unwrap_or_default()).unwrap_or_default();
            if !raw.is_empty() && !found.contains(&raw) {
                found.push(raw);
            }
        }
        found
    }

    /// Whether these bytes left the process in some form before the disk had them: before a sync of
    /// the file below `folder` to which they were written before. `None` where they never left.
    pub(super) fn left_early(&self, bytes: &[u8], sent: &[u8], folder: &str) -> Option<bool> {
        let halves = |bytes: &[u8]| -> Vec<String> {
            // A record may be cut by a block of the file; one of its last two parts is whole.
            bytes.rchunks(32).take(2).map(hex::encode).collect()
        };
        let has = |call: &Call, parts: &[String]| {
            let mut quoted = call.quoted.iter().skip(1);
            quoted.any(|held| parts.iter().any(|part| held.contains(part)))
        };
        let (stored, leaving) = (halves(bytes), halves(sent));
        let first = self.0.iter().find(|call| call.is_sending() && has(call, &leaving))?;
        let mut written = self
            .0
            .iter()
            .filter(|call| call.end < first.begin && call.is_writing(folder) && has(call, &stored));
        let kept = written.any(|write| {
            self.0.iter().any(|sync| {
                sync.is_sync()
                    && sync.file == write.file
                    && write.end < sync.begin
                    && sync.end < first.begin
            })
        });
        Some(!kept)
    }

    /// Files that got a name while neither they nor, afterwards, their folder were synced.
    pub(super) fn unsynced_names(&self, below: &str) -> Vec<String> {
        let mut found = Vec::new();
        for call in self.0.iter().filter(|call| call.is_naming()) {
            let Some((from, to)) = call.names() else { continue };
            if !to.contains(below) {
                continue;
            }
            let folder = to.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut syncs = self.0.iter().filter(|call| call.is_sync());
            let file = syncs.any(|sync| sync.file == from && sync.end < call.begin);
            let mut syncs = self.0.iter().filter(|call| call.is_sync());
            let folder = syncs.any(|sync| sync.file == folder && sync.begin > call.end);
            if !(file && folder) {
                found.push(to);
            }
        }
        found
    }

    /// How many files got a name below a folder.
    pub(super) fn names(&self, below: &str) -> usize {
        let named = self.0.iter().filter(|call| call.is_naming()).filter_map(Call::names);
        named.filter(|(_, to)| to.contains(below)).count()
    }
}

impl Call {
    fn is_socket(&self) -> bool {
        self.file.starts_with("socket:") || self.file.starts_with("TCP")
    }

    fn is_sending(&self) -> bool {
        self.is_socket() && matches!(&*self.name, "write" | "writev" | "sendto" | "sendmsg")
    }

    fn is_writing(&self, folder: &str) -> bool {
        matches!(&*self.name, "write" | "pwrite64" | "writev") && self.file.contains(folder)
    }

    fn is_sync(&self) -> bool {
        matches!(&*self.name, "fsync" | "fdatasync")
    }

    fn is_naming(&self) -> bool {
        self.name.starts_with("rename") || self.name.starts_with("link")
    }

    /// The old and the new path.
    fn names(&self) -> Option<(String, String)> {
        // Folders of the calls with `at` are absolute, too; they stand before the names.
        let all = self.quoted.iter().map(|digits| decoded(digits));
        let paths: Vec<String> = all.filter(|it| it.starts_with('/')).collect();
        match &*paths {
            [from, to] => Some((from.clone(), to.clone())),
            [_, from, _, to] => Some((from.clone(), to.clone())),
            _ => None,
        }
    }
}

fn decoded(digits: &str) -> String {
    String::from_utf8_lossy(&hex::decode(digits).unwrap_or_default()).into_owned()
}

/// The calls of all threads in the order in which they begin. A call that another thread interrupts
/// stands in two lines.
fn calls(text: &str) -> Vec<Call> {
    let mut open: BTreeMap<&str, Call> = BTreeMap::new();
    let mut calls = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if rest.starts_with("<... ") {
            if let Some(mut call) = open.remove(thread)
                && !failed(rest)
            {
                call.end = place;
                calls.push(call);
            }
            continue;
        }
        let Some((name, arguments)) = rest.split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            continue;
        }
        let (name, quoted) = (name.to_owned(), quoted(arguments));
        let file = quoted.first().map(|digits| decoded(digits)).unwrap_or_default();
        let call = Call { name, file, quoted, begin: place, end: place };
        if rest.ends_with("<unfinished ...>") {
            open.insert(thread, call);
        } else if !failed(rest) {
            calls.push(call);
        }
    }
    calls.sort_by_key(|call| call.begin);
    calls
}

fn failed(line: &str) -> bool {
    // All contents are digits, so that only the result stands behind an equals sign.
    line.rsplit_once(" = ").is_none_or(|(_, result)| result.starts_with('-') || result == "?")
}

/// What stands between quotation marks or pointed brackets, in digits.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("\\x") {
        let run = &rest[start..];
        let end = run.find(['"', '>']).unwrap_or(run.len());
        found.push(run[..end].replace("\\x", ""));
        rest = &run[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strace(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
    }

    /// A line for each call: name, file, bytes.
    fn text(lines: &[(&str, &str, &[u8])]) -> String {
        let line = |(name, file, bytes): &(&str, &str, &[u8])| {
            let file = strace(file.as_bytes());
            match *name {
                "fsync" | "fdatasync" => format!("7 {name}(3<{file}>) = 0\n"),
                "rename" => format!("7 rename(\"{file}\", \"{}\") = 0\n", strace(bytes)),
                _ => format!("7 {name}(3<{file}>, \"{}\", 4) = 4\n", strace(bytes)),
            }
        };
        lines.iter().map(line).collect()
    }

    fn trace(lines: &[(&str, &str, &[u8])]) -> Trace {
        Trace(calls(&text(lines)))
    }

    const WAL: &str = "/home/outbox/000004.log";
    const LINE: &str = "socket:[12]";

    #[test]
    fn what_is_synced_first_did_not_leave_early() {
        let raw = [9; 70];
        let good = trace(&[("write", WAL, &raw), ("fdatasync", WAL, b""), ("sendto", LINE, &raw)]);
        assert_eq!(good.left_early(&raw, &raw, "/outbox/"), Some(false));
        assert_eq!(good.left_early(&[1; 32], &[1; 32], "/outbox/"), None, "it never left");
        let never = trace(&[("write", WAL, &raw), ("sendto", LINE, &raw)]);
        assert_eq!(never.left_early(&raw, &raw, "/outbox/"), Some(true));
        let late = [("write", WAL, &raw[..]), ("sendto", LINE, &raw), ("fdatasync", WAL, b"")];
        assert_eq!(trace(&late).left_early(&raw, &raw, "/outbox/"), Some(true));
        let other =
            [("write", WAL, &raw[..]), ("fdatasync", "/home/x", b""), ("sendto", LINE, &raw)];
        assert_eq!(trace(&other).left_early(&raw, &raw, "/outbox/"), Some(true));
        let elsewhere = [("write", "/home/node.log", &raw[..]), ("sendto", LINE, &raw)];
        assert_eq!(trace(&elsewhere).left_early(&raw, &raw, "/outbox/"), Some(true));
    }

    #[test]
    fn a_sync_that_is_not_over_when_the_bytes_leave_is_too_late() {
        let raw = [9; 64];
        let [wal, line] = [strace(WAL.as_bytes()), strace(LINE.as_bytes())];
        let before = text(&[("write", WAL, &raw)]);
        let sync = format!("7 fdatasync(3<{wal}> <unfinished ...>\n");
        let send = format!("8 sendto(4<{line}>, \"{}\", 64) = 64\n", strace(&raw));
        let over = "7 <... fdatasync resumed>)      = 0\n";
        let late = Trace(calls(&format!("{before}{sync}{send}{over}")));
        assert_eq!(late.left_early(&raw, &raw, "/outbox/"), Some(true));
        let good = Trace(calls(&format!("{before}{sync}{over}{send}")));
        assert_eq!(good.left_early(&raw, &raw, "/outbox/"), Some(false));
        let failed =
            Trace(calls(&format!("{before}{sync}7 <... fdatasync resumed>) = -1 EIO\n{send}")));
        assert_eq!(failed.left_early(&raw, &raw, "/outbox/"), Some(true));
    }

    #[test]
    fn raw_transactions_are_found_in_requests() {
        let body = br#"{"id":1,"method":"eth_sendRawTransaction","params":["0x02f8"]}"#;
        let found = trace(&[("sendto", LINE, body), ("sendto", LINE, body), ("write", WAL, body)]);
        assert_eq!(found.raw_transactions(), [vec![2, 0xf8]]);
    }

    #[test]
    fn a_name_counts_when_file_and_folder_are_synced_around_it() {
        let (from, to) = ("/home/receipts/.partial", b"/home/receipts/one.json");
        let whole =
            [("fsync", from, &b""[..]), ("rename", from, to), ("fsync", "/home/receipts", b"")];
        assert!(trace(&whole).unsynced_names("/receipts/").is_empty());
        assert_eq!(trace(&whole).names("/receipts/"), 1);
        assert_eq!(trace(&whole[..2]).unsynced_names("/receipts/").len(), 1, "not its folder");
        assert_eq!(trace(&whole[1..]).unsynced_names("/receipts/").len(), 1, "not the file");
        assert!(trace(&whole[..2]).unsynced_names("/blobs/").is_empty());
    }
}
