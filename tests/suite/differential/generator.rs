//! Packages as programs make them, and with what attackers do to them, header by header. Equal seeds make equal packages.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

const BLOCK: usize = 512;

/// Knuth's linear congruential generator, of which the upper bits are good.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap() % end
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Who writes the headers.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Go,
    Gnu,
    V7,
    Bsd,
    Pax,
}

/// A header, and what follows it.
#[derive(Clone)]
struct Entry {
    header: [u8; BLOCK],
    content: Vec<u8>,
    padding: u8,
}

impl Entry {
    fn new(style: Style, kind: u8, name: &[u8], content: Vec<u8>) -> Self {
        let mut entry = Self { header: [0; BLOCK], content, padding: 0 };
        let size = entry.content.len();
        entry.set(0, &name[..name.len().min(100)]);
        if style == Style::Bsd {
            entry.set(100, b"000644 \x00000000 \x00000000 \0");
            entry.set(124, format!("{size:011o} ").as_bytes());
            entry.set(136, b"15302656635 ");
        } else {
            entry.set(100, b"0000644\x000000000\x000000000\0");
            entry.set(124, format!("{size:011o}\0").as_bytes());
            entry.set(136, b"15302656635\0");
        }
        entry.header[156] = kind;
        match style {
            Style::V7 => {}
            Style::Gnu => entry.set(257, b"ustar  \0root"),
            Style::Go | Style::Bsd | Style::Pax => {
                entry.set(257, b"ustar\x0000");
                entry.set(329, b"0000000\x000000000\0");
            }
        }
        entry.sign();
        entry
    }

    fn set(&mut self, at: usize, bytes: &[u8]) {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn sum(&self, of: impl Fn(u8) -> i64) -> i64 {
        let byte = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { of(*byte) };
        self.header.iter().enumerate().map(byte).sum()
    }

    fn sign(&mut self) {
        let sum = format!("{:06o}\0 ", self.sum(i64::from));
        self.set(148, sum.as_bytes());
    }

    fn name(&self) -> Vec<u8> {
        self.header[..100].iter().copied().take_while(|byte| *byte != 0).collect()
    }

    fn rename(&mut self, name: &[u8]) {
        self.header[..100].fill(0);
        self.set(0, &name[..name.len().min(100)]);
    }
}

/// Makes packages of one chart.
pub struct Generator {
    random: Random,
    chart: String,
    marks: usize,
}

impl Generator {
    /// `chart` is the chart's name.
    pub fn new(seed: u64, chart: &str) -> Self {
        Self { random: Random::new(seed), chart: chart.to_owned(), marks: 0 }
    }

    /// A package that some program might make.
    pub fn honest(mut self) -> Vec<u8> {
        let entries = self.base();
        self.finish(&entries, false)
    }

    /// The same with up to three things changed.
    pub fn hostile(mut self) -> Vec<u8> {
        let mut entries = self.base();
        let changes = self.random.pick(&[0, 1, 1, 1, 1, 2, 2, 3]);
        for _ in 0..changes {
            self.change(&mut entries);
        }
        self.finish(&entries, true)
    }

    /// Content by which it is known wherever it turns up.
    fn content(&mut self) -> Vec<u8> {
        self.marks += 1;
        let mark = format!("id: {}k{}\n", self.chart, self.marks);
        let comment = self.random.pick(&[0, 0, 0, 480, 503, 1100]);
        if comment == 0 {
            mark.into_bytes()
        } else {
            format!("{mark}#{}\n", "x".repeat(comment)).into_bytes()
        }
    }

    fn base(&mut self) -> Vec<Entry> {
        let style = self.random.pick(&[Style::Go, Style::Go, Style::Gnu, Style::V7, Style::Bsd, Style::Pax]);
        let top = match self.random.below(10) {
            0 => ".".to_owned(),
            1 => format!("{}/.", self.chart),
            _ => self.chart.clone(),
        };
        let chart_yaml =
            format!("apiVersion: v2\nname: {0}\nversion: 1.0.0\ndescription: {0}d\n", self.chart)
                .into_bytes();
        let mut files = vec![("Chart.yaml".to_owned(), chart_yaml)];
        for (path, percent) in [
            ("values.yaml", 80),
            ("templates/a.yaml", 100),
            ("templates/b.yaml", 50),
            ("f", 60),
            ("d/g", 60),
            ("d/ö", 20),
            ("README.md", 20),
        ] {
            if self.random.chance(percent) {
                let content = self.content();
                files.push((path.to_owned(), content));
            }
        }
        if self.random.chance(25) {
            files.push((
                "charts/s/Chart.yaml".to_owned(),
                b"apiVersion: v2\nname: s\nversion: 1.0.0\n".to_vec(),
            ));
            files.push(("charts/s/templates/s.yaml".to_owned(), self.content()));
        }
        if style != Style::V7 && self.random.chance(40) {
            let path = format!("{}/{}", "l".repeat(60), "m".repeat(self.random.pick(&[30, 60, 90])));
            files.push((path, self.content()));
        }
        let directories = self.random.chance(40);
        let mut entries = Vec::new();
        for (path, content) in files {
            if let (true, Some((directory, _))) = (directories, path.rsplit_once('/')) {
                self.push(&mut entries, style, b'5', &format!("{top}/{directory}/"), Vec::new());
            }
            self.push(&mut entries, style, b'0', &format!("{top}/{path}"), content);
        }
        entries
    }

    /// As the writer of this style would.
    fn push(&mut self, entries: &mut Vec<Entry>, style: Style, kind: u8, name: &str, content: Vec<u8>) {
        let long = name.len() > 100;
        if style == Style::Pax {
            let mut records = record("mtime", b"1795906973.99");
            if long || !name.is_ascii() {
                records.extend(record("path", name.as_bytes()));
            }
            entries.push(Entry::new(style, b'x', b"PaxHeaders/x", records));
        } else if long && style == Style::Gnu {
            entries.push(Entry::new(style, b'L', b"././@LongLink", [name.as_bytes(), b"\0"].concat()));
        }
        let kind = match (style, kind) {
            (Style::V7, _) => self.random.pick(&[0, kind]),
            _ => kind,
        };
        let mut entry = Entry::new(style, kind, name.as_bytes(), content);
        if long && matches!(style, Style::Go | Style::Bsd) {
            let (prefix, rest) = name.rsplit_once('/').unwrap();
            entry.rename(rest.as_bytes());
            entry.set(345, prefix.as_bytes());
            entry.sign();
        }
        entries.push(entry);
    }

    /// An entry of the chart that others do not see, if they take this for content.
    fn hidden(&mut self) -> Vec<u8> {
        let name = self.other_name();
        let content = self.content();
        let entry = Entry::new(Style::Go, b'0', &name, content);
        serialise(&[entry])
    }

    /// The name of a file, of those that there may be.
    fn other_name(&mut self) -> Vec<u8> {
        let path =
            self.random.pick(&["templates/a.yaml", "templates/c.yaml", "f", "values.yaml", "d/g", "n"]);
        format!("{}/{path}", self.chart).into_bytes()
    }

    fn change(&mut self, entries: &mut Vec<Entry>) {
        let at = self.random.below(entries.len());
        match self.random.below(20) {
            0..=6 => self.change_field(&mut entries[at]),
            7 | 8 => self.change_name(&mut entries[at]),
            9..=13 => {
                let extension = self.extension();
                entries.insert(at, extension);
                if self.random.chance(25) {
                    let extension = self.extension();
                    entries.insert(at, extension);
                }
            }
            14 => {
                let mut again = entries[self.random.below(entries.len())].clone();
                if self.random.chance(70) {
                    again.content = self.content();
                    let size = format!("{:011o}\0", again.content.len());
                    again.set(124, size.as_bytes());
                    again.sign();
                }
                entries.insert(at, again);
            }
            15 => {
                // A block of nothing, or two.
                let zeros = vec![0; self.random.pick(&[0, BLOCK])];
                entries.insert(at, Entry { header: [0; BLOCK], content: zeros, padding: 0 });
            }
            16 => {
                let content = self.hidden();
                let kind = self.random.pick(b"0512347DgMNSVX");
                let name = self.other_name();
                let style = self.random.pick(&[Style::Go, Style::Gnu, Style::V7]);
                entries.insert(at, Entry::new(style, kind, &name, content));
            }
            17 => entries.swap(at, 0),
            18 => entries[at].padding = b'p',
            _ => {
                let (name, content) = (self.other_name(), self.content());
                let kind = self.random.pick(b"0\x007");
                entries.insert(at, Entry::new(Style::Go, kind, &name, content));
            }
        }
    }

    fn change_field(&mut self, entry: &mut Entry) {
        let size = entry.content.len();
        match self.random.below(16) {
            0 => entry.header[156] = self.random.pick(b"\x00\x000011234567xgLKDMNSVXA"),
            1 => {
                // A type that has no content, or a size that takes or leaves a block.
                entry.header[156] = self.random.pick(b"5\x0001346");
                if self.random.chance(50) {
                    entry.content = self.hidden();
                }
                let size = format!("{:011o}\0", self.random.pick(&[0, size, entry.content.len(), 512, 1024]));
                entry.set(124, size.as_bytes());
            }
            2 => {
                let number = self.number(12, size);
                entry.set(124, &number);
            }
            3 => {
                let (at, width) =
                    self.random.pick(&[(100, 8), (108, 8), (116, 8), (136, 12), (329, 8), (337, 8)]);
                let number = self.number(width, 0o644);
                entry.set(at, &number);
            }
            4 => {
                let mode = self.random.pick(&[
                    b"0100644\0",
                    b"0040755\0",
                    b"0120644\0",
                    b"0140644\0",
                    b"1000644\0",
                    b"0004755\0",
                ]);
                entry.set(100, mode);
            }
            5 => {
                let magic: &[u8] = self.random.pick(&[
                    b"ustar\x0000",
                    b"ustar  \0",
                    b"\0\0\0\0\0\0\0\0",
                    b"ustar\0\0\0",
                    b"ustar\0 \0",
                    b"ustar 00",
                    b"ustar   ",
                    b"USTAR\x0000",
                    b"ustar\x0001",
                    b"ustar\0ab",
                ]);
                entry.set(257, magic);
            }
            6 | 7 => {
                let prefix: &[u8] = self.random.pick(&[
                    b"a",
                    b"./",
                    b"/",
                    b"..",
                    b"15302656635",
                    b"x\0y",
                    b"a/",
                    b"00000000001\0",
                ]);
                let prefix =
                    if self.random.chance(50) { self.chart.clone().into_bytes() } else { prefix.to_vec() };
                entry.set(345, &prefix);
            }
            8 => entry.set(508, b"tar\0"),
            9 => {
                let at = 345 + self.random.below(155);
                let bytes = self.number(12, 1);
                entry.set(at.min(500), &bytes);
            }
            10 => entry.set(157, b"f"),
            11 => {
                let name = entry.name();
                let behind = (name.len() + 1 + self.random.below(20)).min(98);
                entry.set(behind, self.random.pick(&[b"x", b"/", b" "]));
            }
            12 => {
                let sums = [entry.sum(i64::from), entry.sum(|byte| i64::from(byte.cast_signed()))];
                let sum = self.random.pick(&sums);
                let text = match self.random.below(6) {
                    0 => format!("{sum:06o}\0 "),
                    1 => format!("{sum:07o}\0"),
                    2 => format!("{sum:08o}"),
                    3 => format!("{sum:6o} \0"),
                    4 => format!("\0{sum:06o} "),
                    _ => format!("{:06o}\0 ", sum + 1),
                };
                entry.set(148, &text.as_bytes()[..8]);
                return;
            }
            13 => {
                let at = self.random.below(BLOCK);
                entry.header[at] ^= 1 << self.random.below(8);
            }
            14 => entry.set(265, self.random.pick(&[b"\xff\xfe", b"ro", b"\0x"])),
            _ => entry.set(500, self.random.pick(&[b"x", b"0", b" "])),
        }
        entry.sign();
    }

    /// A number in one of the ways in which programs write it, or might.
    fn number(&mut self, width: usize, value: usize) -> Vec<u8> {
        let digits = width - 1;
        let mut bytes = match self.random.below(16) {
            0 => format!("{value:0digits$o}\0"),
            1 => format!("{value:0digits$o} "),
            2 => format!("{value:0width$o}"),
            3 => format!("{value:digits$o}\0"),
            4 => format!("{value:o}\0"),
            5 => format!("\0{value:0digits$o}"),
            6 => format!("{value:o}\x007777777"),
            7 => format!("{value:o} 7777777"),
            8 => format!("-{value:o}\0"),
            9 => format!("+{value:o}\0"),
            10 => format!("0o{value:o}\0"),
            11 => format!("\t{value:o}\0"),
            12 => format!("{value:o}x\0"),
            13 => String::new(),
            14 => " ".repeat(width),
            _ => {
                let mut bytes = vec![self.random.pick(b"\x80\xff\x81\xc0"); 1];
                bytes.resize(width - 8, self.random.pick(b"\0\xff\x01"));
                bytes.extend((value as u64).to_be_bytes());
                return bytes;
            }
        }
        .into_bytes();
        bytes.resize(width, 0);
        bytes
    }

    fn change_name(&mut self, entry: &mut Entry) {
        let name = String::from_utf8_lossy(&entry.name()).into_owned();
        let (top, rest) = name.split_once('/').unwrap_or((&name, ""));
        let changed = match self.random.below(18) {
            0 => format!("{name}/"),
            1 => format!("./{name}"),
            2 => format!("{top}//{rest}"),
            3 => format!("{top}/./{rest}"),
            4 => format!("{top}/x/../{rest}"),
            5 => format!("/{name}"),
            6 => format!("../{name}"),
            7 => name.replace('/', "\\"),
            8 => name.replacen('/', "\\", 1),
            9 => name.to_uppercase(),
            10 => format!("other/{rest}"),
            11 => format!("{top}/..{rest}"),
            12 => format!("{name}/h"),
            13 => rest.to_owned(),
            14 => String::new(),
            15 => format!("{top}/c:/{rest}"),
            16 => name.replace("/d/", "/d//"),
            _ => format!("{name}\u{200d}"),
        };
        entry.rename(changed.as_bytes());
        entry.sign();
    }

    /// A header that says something of the next entry, or of all.
    fn extension(&mut self) -> Entry {
        let style = self.random.pick(&[Style::Go, Style::Gnu, Style::Gnu, Style::V7]);
        let name = self.other_name();
        let kind = self.random.pick(b"xxxxxggLLLLKX");
        let content = match kind {
            b'L' | b'K' => match self.random.below(8) {
                0 => Vec::new(),
                1 => name,
                2 => [&name[..], b"\0\0"].concat(),
                3 => [&name[..], b"\0x\0"].concat(),
                4 => [&name[..], b"/\0"].concat(),
                5 => b"\0".to_vec(),
                _ => [&name[..], b"\0"].concat(),
            },
            _ => self.records(&name),
        };
        Entry::new(style, kind, b"././@Extension", content)
    }

    fn records(&mut self, name: &[u8]) -> Vec<u8> {
        let mut records = Vec::new();
        for _ in 0..self.random.pick(&[1, 1, 1, 1, 2, 2, 3, 0]) {
            let (key, value): (&str, &[u8]) = match self.random.below(26) {
                0..=4 => ("path", name),
                5 => ("path", b""),
                6 => ("size", self.random.pick(&[b"0", b"1", b"9"])),
                7 => ("linkpath", name),
                8 => ("mtime", self.random.pick(&[b"1.5", b"-1.", b"abc", b"1e3", b"999"])),
                9 => ("uid", self.random.pick(&[b"1 ", b"-1", b"+1", b"1x"])),
                10 => ("comment", b"path=x"),
                11 => ("GNU.sparse.major", b"1"),
                12 => ("GNU.sparse.name", name),
                13 => ("GNU.sparse.realsize", b"3"),
                14 => ("hdrcharset", self.random.pick(&[b"BINARY", b"binary", b"ASCII "])),
                15 => ("SCHILY.xattr.a", b"b\n12 path=c/d"),
                16 => ("SCHILY.realsize", b"1"),
                17 => ("path", b"a\0b"),
                18 => ("uname", b"r\xc3\xb6\xc3\xb6t"),
                19 => ("VENDOR.x", b"y"),
                20 => ("path ", name),
                21 => ("PATH", name),
                22 => ("SUN.holesdata", b" 0"),
                23 | 24 => ("SCHILY.xattr.b", self.random.pick(&[b"\n\n", b"\n\0", b"x\n"])),
                _ => ("atime", b"1"),
            };
            let mut record = record(key, value);
            match self.random.below(20) {
                0 => record.insert(0, self.random.pick(b"0+ ")),
                1 => drop(record.pop()),
                2 => record.extend(b"\0"),
                3 => {
                    let digit = &mut record[0];
                    *digit = b'0' + (*digit - b'0' + 1) % 10;
                }
                _ => {}
            }
            records.extend(record);
        }
        records
    }

    fn finish(&mut self, entries: &[Entry], hostile: bool) -> Vec<u8> {
        let mut tar = serialise(entries);
        let ends: &[usize] = if hostile {
            &[0, 512, 1024, 1024, 1024, 1024, 10240, 100, 1100]
        } else {
            &[1024, 1024, 10240, 0]
        };
        tar.resize(tar.len() + self.random.pick(ends), 0);
        if hostile && self.random.chance(4) {
            let more = self.hidden();
            tar.extend(more);
            tar.resize(tar.len() + 1024, 0);
        }
        if hostile && self.random.chance(2) {
            tar.truncate(tar.len() - self.random.below(600).min(tar.len()));
        }
        // Members are one stream, wherever they are cut.
        let cut = if self.random.chance(15) { self.random.below(tar.len()) } else { 0 };
        let mut gzipped = if cut > 0 { self.gzip(&tar[..cut], hostile) } else { Vec::new() };
        gzipped.extend(self.gzip(&tar[cut..], hostile));
        if hostile && self.random.chance(2) {
            gzipped.extend(vec![self.random.pick(b"\0x"); 20]);
        }
        gzipped
    }

    fn gzip(&mut self, bytes: &[u8], hostile: bool) -> Vec<u8> {
        let mut builder = GzBuilder::new();
        let long = hostile && self.random.chance(2);
        match self.random.below(4) {
            0 => builder = builder.extra(&b"+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo="[..]).comment("Helm"),
            1 => builder = builder.filename("n".repeat(if long { 600 } else { 9 })),
            _ => {}
        }
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }
}

/// `25 ctime=1084839148.1212\n`
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
    [length.to_string().as_bytes(), &rest].concat()
}

fn serialise(entries: &[Entry]) -> Vec<u8> {
    let mut tar = Vec::new();
    for entry in entries {
        tar.extend(entry.header);
        tar.extend(&entry.content);
        tar.resize(tar.len().next_multiple_of(BLOCK), entry.padding);
    }
    tar
}
