//! Lists of words that grammar lines draw from.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::text::WORDS_OF_A_LIST;

/// Named lists; each row holds the forms of one word.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    names: Vec<String>,
    rows: Vec<Vec<Vec<String>>>,
}

impl Lists {
    /// Reads lines such as `thing = apples/apple | books/book`; a line that begins with `|` goes on with the list before.
    /// All rows of a list must have as many forms as its first.
    pub fn read(text: &str) -> Result<Self, (usize, String)> {
        let mut lists = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with("# ") {
                continue;
            }
            let rows = match (line.strip_prefix('|'), line.split_once(" = ")) {
                (Some(rows), _) => rows,
                (None, Some((name, rows))) => {
                    lists.names.push(name.trim().to_owned());
                    lists.rows.push(Vec::new());
                    rows
                }
                (None, None) => return Err((index + 1, "neither a list nor more of one".into())),
            };
            let list = lists.rows.last_mut().ok_or((index + 1, "no list before this line".to_owned()))?;
            for row in rows.split('|') {
                let row: Vec<String> = row.trim().split('/').map(|form| form.trim().to_owned()).collect();
                if list.first().is_some_and(|first| first.len() != row.len()) || row.iter().any(String::is_empty) {
                    return Err((index + 1, format!("'{}' has other forms than the rows before", row.join("/"))));
                }
                list.push(row);
            }
        }
        Ok(lists)
    }

    /// The number of the list of this name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    /// How many forms the words of a list have.
    pub fn forms(&self, list: usize) -> usize {
        self.rows.get(list).and_then(|rows| rows.first()).map_or(0, Vec::len)
    }

    /// A word in one of its forms; nothing where there is none.
    pub fn word(&self, list: usize, row: usize, form: usize) -> &str {
        self.rows.get(list).and_then(|rows| rows.get(row)).and_then(|row| row.get(form)).map_or("", String::as_str)
    }

    /// The rows of the list of this name.
    pub fn rows(&self, name: &str) -> &[Vec<String>] {
        self.index(name).and_then(|list| self.rows.get(list)).map_or(&[], Vec::as_slice)
    }

    /// Draws the words of an example: different ones of each list, as far as it has them.
    pub fn draw(&self, random: &mut ChaCha8Rng) -> Vec<[usize; WORDS_OF_A_LIST]> {
        self.rows
            .iter()
            .map(|rows| {
                let count = rows.len().max(1);
                let first = random.random_range(0..count);
                // Steps of a third of the list at most do not come back to a word within three.
                let step = random.random_range(1..=(count / 3).max(1));
                std::array::from_fn(|nth| (first + nth * step) % count)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn reads_and_draws() {
        let lists = Lists::read("# words\nthing = apples/apple | books/book\n| cups/cup\nday = Monday\n").unwrap();
        let thing = lists.index("thing").unwrap();
        assert_eq!(lists.rows("thing").len(), 3);
        assert_eq!(lists.word(thing, 2, 1), "cup");
        assert_eq!(lists.forms(lists.index("day").unwrap()), 1);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..100 {
            let [a, b, c] = lists.draw(&mut random)[thing];
            assert!(a != b && b != c && a != c);
        }
    }

    #[test]
    fn malformed_lists() {
        assert_eq!(Lists::read("a = b\nc\n").unwrap_err().0, 2);
        assert_eq!(Lists::read("| b\n").unwrap_err().0, 1);
        assert_eq!(Lists::read("a = b/c | d\n").unwrap_err().0, 1);
    }
}
