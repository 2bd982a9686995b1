//! YAML that nobody would write, made by chance from a seed: what is in it is what readers of YAML differ over.

use super::words::{BREAKS, ESCAPES, SNIPPETS, TAGS, TAME, WORDS};

/// Numbers by chance: the same for the same seed (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Less than this.
    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }

    /// So many times of a hundred.
    pub fn percent(&mut self, times: usize) -> bool {
        self.below(100) < times
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// A scalar as it may stand without quotes.
pub fn scalar(chance: &mut Chance) -> String {
    const DIGITS: &[&str] = &[
        "0", "1", "7", "8", "9", "_", ".", "e", "E", "+", "-", "x", "b", "o", "f", ":", "5", "12", "0x",
        "0b", ".", "e5",
    ];
    match chance.below(4) {
        0 => (0..1 + chance.below(6)).map(|_| chance.pick(DIGITS)).collect(),
        1 => {
            let word = chance.pick(WORDS);
            word.chars().map(|c| if chance.percent(10) { c.to_ascii_uppercase() } else { c }).collect()
        }
        2 => format!(
            "{}{}{}",
            chance.pick(&["", "-", "+", "0", ".", "_"]),
            chance.pick(WORDS),
            chance.pick(&["", "", "0", "_", "e5", ".", " "])
        ),
        _ => chance.pick(WORDS).to_owned(),
    }
}

/// A tag, or none.
pub fn tag(chance: &mut Chance) -> &'static str {
    if chance.percent(50) { "" } else { chance.pick(TAGS) }
}

/// A document.
pub fn document(chance: &mut Chance) -> Vec<u8> {
    let mut text = match chance.below(10) {
        0..4 => written(chance),
        4..7 => {
            let text = written(chance);
            disturbed(chance, &text)
        }
        7 => long(chance),
        _ => (0..2 + chance.below(14)).map(|_| chance.pick(SNIPPETS)).collect(),
    };
    if chance.percent(10) {
        let mark = chance.pick(&["\u{feff}", "\u{feff}\u{feff}", "\u{feff}\u{feff}\u{feff}"]);
        text.insert_str(0, mark);
    }
    match chance.below(40) {
        0 | 1 => utf16(&text, u16::to_le_bytes, b"\xff\xfe", chance),
        2 => utf16(&text, u16::to_be_bytes, b"\xfe\xff", chance),
        3 => {
            let mut bytes = text.into_bytes();
            let bad = chance.pick(&[
                &b"\x01"[..],
                b"\x7f",
                b"\xff",
                b"\xc3",
                b"\xe2\x80",
                b"\xf0\x9f\x98",
                b"\xc0\x80",
                b"\xed\xa0\x80",
                b"\xef\xbf\xbf",
                b"\xc2\x80",
                b"\x00",
            ]);
            let at = chance.below(bytes.len() + 1);
            bytes.splice(at..at, bad.iter().copied());
            bytes
        }
        _ => text.into_bytes(),
    }
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2], mark: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut encoded = mark.to_vec();
    encoded.extend(text.encode_utf16().flat_map(bytes));
    if chance.percent(20) {
        encoded.truncate(encoded.len() - 1 - chance.below(2).min(encoded.len() - 1));
    }
    encoded
}

/// More of it than is looked at at once.
fn long(chance: &mut Chance) -> String {
    let filling = match chance.below(3) {
        0 => format!("pad: {}\n", "x".repeat(480 + chance.below(40))),
        1 => format!("# {}\n", "\u{e9}".repeat(240 + chance.below(30))),
        _ => "k: v\n".repeat(95 + chance.below(15)),
    };
    let mut text = written(chance);
    if chance.percent(50) {
        text.insert_str(0, &filling);
    } else {
        text.push_str(&filling);
    }
    if chance.percent(50) { disturbed(chance, &text) } else { text }
}

/// The text with a few parts of it removed, repeated or replaced.
fn disturbed(chance: &mut Chance, text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..1 + chance.below(3) {
        let from = chance.below(characters.len() + 1);
        let to = (from + chance.below(6)).min(characters.len());
        let with: Vec<char> = match chance.below(5) {
            0 => Vec::new(),
            1 => characters[from..to].repeat(2),
            2 => scalar(chance).chars().collect(),
            _ => chance.pick(SNIPPETS).chars().collect(),
        };
        characters.splice(from..to, with);
    }
    characters.into_iter().collect()
}

/// A document that is well-formed more often than not.
fn written(chance: &mut Chance) -> String {
    let mut text = String::new();
    if chance.percent(12) {
        for _ in 0..1 + chance.below(2) {
            text += chance.pick(&[
                "%YAML 1.1\n",
                "%YAML 1.1 # c\n",
                "%YAML 1.2\n",
                "%TAG !e! tag:yaml.org,2002:\n",
                "%TAG !! tag:x,1:\n",
                "%TAG ! tag:yaml.org,2002:\n",
                "%TAG !e! !\n",
            ]);
        }
        text += "---";
        text += chance.pick(&["\n", " ", " # c\n", "\n\n"]);
    } else if chance.percent(10) {
        text += chance.pick(&["---\n", "--- # c\n", "# c\n---\n", "\n\n", "...\n", "---\n---\n"]);
    }
    let wild = [0, 1, 5, 20, 100][chance.below(5)];
    let mut writer =
        Writer { anchors: Vec::new(), breaks: if chance.percent(85) { &["\n"] } else { BREAKS }, wild };
    if chance.percent(80) {
        writer.map(chance, 0, 3, &mut text);
    } else {
        writer.node(chance, 0, 3, &mut text);
    }
    if chance.percent(15) {
        text += chance.pick(&[
            "...\n",
            "---\n",
            "---\nb: c\n",
            "...\n---\n[",
            "---\n\"",
            "--- |\n",
            "%YAML 1.1\n",
            "---\n\u{feff}a: b\n",
            "\u{feff}",
            "...\nx",
            "# c",
            "]",
            "---\n*a",
        ]);
    }
    text
}

/// Writes nodes.
struct Writer {
    anchors: Vec<String>,
    breaks: &'static [&'static str],
    /// How often something is written, of a hundred times, that few would write.
    wild: usize,
}

impl Writer {
    /// What stands there without quotes.
    fn word(&self, chance: &mut Chance) -> String {
        if chance.percent(self.wild) { scalar(chance) } else { chance.pick(TAME).to_owned() }
    }

    fn line_end(&self, chance: &mut Chance, text: &mut String) {
        if chance.percent(6) {
            *text += chance.pick(&[" # c", " ", "\t", " #", "\t# c"]);
        }
        *text += chance.pick(self.breaks);
    }

    /// Anchors and tags before a node.
    fn properties(&mut self, chance: &mut Chance, text: &mut String) {
        if chance.percent(10) {
            *text += if chance.percent(self.wild) {
                chance.pick(TAGS)
            } else {
                chance.pick(&["!!str", "!", "!x", "!!map"])
            };
            *text += " ";
        }
        if chance.percent(12) {
            let name = chance.pick(&["a", "b", "c", "a-1", "_", "0"]);
            *text += &format!("&{name} ");
            self.anchors.push(name.to_owned());
        }
    }

    fn alias(&self, chance: &mut Chance) -> String {
        let name = match self.anchors.len() {
            0 => "a",
            known => &self.anchors[chance.below(known)],
        };
        format!("*{name}")
    }

    /// A node behind a key or a dash that stands at `indent`, with the end of its last line.
    fn node(&mut self, chance: &mut Chance, indent: usize, depth: usize, text: &mut String) {
        self.properties(chance, text);
        match chance.below(if depth == 0 { 6 } else { 10 }) {
            0..3 => {
                *text += &self.flow_scalar(chance, indent + 1);
                self.line_end(chance, text);
            }
            3 => self.block_scalar(chance, indent, text),
            4 if !self.anchors.is_empty() => {
                *text += &self.alias(chance);
                self.line_end(chance, text);
            }
            4 | 5 => {
                self.flow(chance, 2, text);
                self.line_end(chance, text);
            }
            6 => {
                self.line_end(chance, text);
                let further = chance.below(3);
                self.list(chance, indent + further, depth - 1, text);
            }
            _ => {
                self.line_end(chance, text);
                let further = if chance.percent(self.wild) { 0 } else { 1 + chance.below(3) };
                self.map(chance, indent + further, depth - 1, text);
            }
        }
    }

    fn list(&mut self, chance: &mut Chance, indent: usize, depth: usize, text: &mut String) {
        for _ in 0..chance.below(4) {
            *text += &" ".repeat(indent);
            *text += if chance.percent(self.wild) { "-\t" } else { chance.pick(&["- ", "- ", "-   "]) };
            self.node(chance, indent + 1, depth, text);
        }
    }

    fn map(&mut self, chance: &mut Chance, indent: usize, depth: usize, text: &mut String) {
        for _ in 0..1 + chance.below(4) {
            *text += &" ".repeat(indent);
            let strange = if chance.percent(self.wild) { 6 } else { 20 };
            match chance.below(strange) {
                0 => {
                    *text += "? ";
                    self.node(chance, indent + 1, depth, text);
                    *text += &" ".repeat(indent);
                    *text += ": ";
                }
                1 => {
                    *text += "<<: ";
                    let known = !self.anchors.is_empty() && chance.percent(50);
                    match chance.below(4) {
                        0 if known => *text += &self.alias(chance),
                        1 if known => *text += &format!("[{}, {}]", self.alias(chance), self.alias(chance)),
                        2 if chance.percent(self.wild) => self.flow(chance, 1, text),
                        _ => *text += "{a: merged, c: d}",
                    }
                    self.line_end(chance, text);
                    continue;
                }
                2 | 3 => *text += &format!("{}: ", self.word(chance)),
                4 => {
                    self.properties(chance, text);
                    *text += &format!("{}: ", self.flow_scalar(chance, indent));
                }
                5 if !self.anchors.is_empty() => *text += &format!("{} : ", self.alias(chance)),
                // Not 1.0 as well: Helm makes "1" of it and takes the one or the other by chance.
                _ => {
                    *text += &format!(
                        "{}: ",
                        chance.pick(&["a", "b", "c", "d", "key", "\"a\"", "'b'", "1", "true", "x y"])
                    );
                }
            }
            self.node(chance, indent, depth, text);
        }
    }

    fn flow(&mut self, chance: &mut Chance, depth: usize, text: &mut String) {
        let list = chance.percent(50);
        *text += if list { "[" } else { "{" };
        for number in 0..chance.below(4) {
            if number > 0 {
                *text += chance.pick(&[", ", ",", ",\n ", " , ", ",\n"]);
            }
            if !list || chance.percent(15) {
                if chance.percent(8) {
                    *text += chance.pick(&["? ", "?"]);
                }
                *text += &self.flow_scalar(chance, 0);
                if chance.percent(85) {
                    *text += chance.pick(&[": ", ": ", ": ", ":", " : ", ":\n "]);
                } else {
                    continue;
                }
            }
            self.properties(chance, text);
            match chance.below(6) {
                0 if depth > 0 => self.flow(chance, depth - 1, text),
                1 if !self.anchors.is_empty() => *text += &self.alias(chance),
                2 => {}
                _ => *text += &self.flow_scalar(chance, 0),
            }
        }
        if chance.percent(10) {
            *text += chance.pick(&[",", " ", "\n", " # c\n"]);
        }
        *text += if list { "]" } else { "}" };
    }

    /// A scalar that may be in brackets, too.
    fn flow_scalar(&self, chance: &mut Chance, indent: usize) -> String {
        match chance.below(8) {
            0 => format!(
                "'{}'",
                self.inside(
                    chance,
                    indent,
                    &["", "a", " ", "''", "\"", "\\n", "#", ": ", "- ", "\u{e9}", "1"]
                )
            ),
            1 if chance.percent(self.wild) => format!("\"{}\"", self.inside(chance, indent, ESCAPES)),
            1 | 2 => format!(
                "\"{}\"",
                self.inside(chance, indent, &["\\n", "\\x41", "\\\"", "'", "#", "\\u00e9", "\\\n "])
            ),
            3 if chance.percent(self.wild) => {
                self.inside(chance, indent, &["a", "b c", "-", ":", "#", "'", "\"", "1", "a:b", "a#b"])
            }
            _ => self.word(chance),
        }
    }

    fn inside(&self, chance: &mut Chance, indent: usize, parts: &[&str]) -> String {
        let mut text = String::new();
        for _ in 0..chance.below(5) {
            match chance.below(8) {
                0 => {
                    text += chance.pick(self.breaks);
                    text += &" ".repeat(indent + chance.below(2));
                }
                1 => text += chance.pick(&[" ", "  ", "\t"]),
                2 => text += chance.pick(&["a", "b", "word"]),
                _ => text += chance.pick(parts),
            }
        }
        text
    }

    fn block_scalar(&self, chance: &mut Chance, indent: usize, text: &mut String) {
        *text += chance.pick(&["|", ">"]);
        let further = 1 + chance.below(3);
        match chance.below(6) {
            0 => *text += &format!("{further}"),
            1 => *text += &format!("{}{further}", chance.pick(&["+", "-"])),
            2 => *text += &format!("{further}{}", chance.pick(&["+", "-"])),
            3 if chance.percent(self.wild) => {
                *text += chance.pick(&["+", "-", "0", "10", "+-", "1", "x", " x", "9"]);
            }
            _ => {}
        }
        self.line_end(chance, text);
        for _ in 0..chance.below(5) {
            match chance.below(5) {
                0 => *text += &" ".repeat(chance.below(indent + further + 2)),
                _ => {
                    let more = if chance.percent(15) { chance.below(3) } else { 0 };
                    *text += &" ".repeat(indent + further + more);
                    *text += chance.pick(&[
                        "text",
                        "- a",
                        "a: b",
                        "# no comment",
                        " more",
                        "\ttab",
                        "\"",
                        "1",
                        "\u{e9}",
                    ]);
                }
            }
            *text += chance.pick(self.breaks);
        }
    }
}
