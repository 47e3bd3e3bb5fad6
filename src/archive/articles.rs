//! A compact list of the articles that an archive translates: there may be hundreds of thousands.

use super::Article;
use crate::document::Format;
use crate::render::OutputFormat;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Character that ends each path in [`ArticleList::names`]; no path contains it.
const PATH_TERMINATOR: char = '\0';

/// A compact list of articles below one input directory, all written in the same output formats.
#[derive(Clone, Debug)]
pub struct ArticleList {
    root: PathBuf,
    formats: Vec<OutputFormat>,
    /// For each article its path below `root`, then the paths of its outputs in the order of `formats`, each ended by
    /// [`PATH_TERMINATOR`].
    names: String,
    /// For each article, the byte offset in `names` where its paths begin, and its input format.
    starts: Vec<(usize, Format)>,
    /// Paths of sources by their article's index, for the few that are not Unicode and cannot be stored in `names`.
    odd_paths: HashMap<usize, PathBuf>,
}

impl ArticleList {
    /// Creates an empty list for articles below the directory `root`, each of which is written in all `formats`.
    pub fn new(root: PathBuf, formats: Vec<OutputFormat>) -> Self {
        Self {
            root,
            formats,
            names: String::new(),
            starts: Vec::new(),
            odd_paths: HashMap::new(),
        }
    }

    /// Appends an article. Its outputs must have the formats that were passed to [`Self::new`], in the same order.
    pub fn push(&mut self, article: Article) {
        debug_assert!(article.outputs.iter().map(|(format, _)| format).eq(&self.formats));
        if article.path != self.root.join(&article.place) {
            self.odd_paths.insert(self.len(), article.path);
        }
        self.starts.push((self.names.len(), article.format));
        let outputs = article.outputs.into_iter().map(|(_, path)| path);
        for name in std::iter::once(article.place).chain(outputs) {
            self.names.push_str(&name);
            self.names.push(PATH_TERMINATOR);
        }
    }

    /// Returns the directory that the articles are below.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the number of articles in the list.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether the list has no articles.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Returns the article at `index`, counted from 0; none if the list is shorter.
    pub fn get(&self, index: usize) -> Option<Article> {
        let (start, format) = *self.starts.get(index)?;
        let mut names = self.names[start..].split(PATH_TERMINATOR);
        let place = names.next()?.to_owned();
        let path = self.odd_paths.get(&index);
        Some(Article {
            path: path.cloned().unwrap_or_else(|| self.root.join(&place)),
            place,
            format,
            outputs: self.formats.iter().copied().zip(names.map(str::to_owned)).collect(),
        })
    }

    /// Iterates over all articles in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = Article> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_come_back_as_they_were() {
        let formats = [OutputFormat::Html, OutputFormat::Docx];
        let article = |place: &str, path: &str, format| Article {
            place: place.to_owned(),
            path: PathBuf::from(path),
            format,
            outputs: formats
                .map(|format| (format, format!("{place}.{}", format.name())))
                .to_vec(),
        };
        let all = [
            article("a.txt", "in/a.txt", Format::Text),
            article("ข่าว/b", "in/ข่าว/b", Format::Markdown),
            article("not\u{fffd}unicode", "in/other", Format::Text),
            article("", "in", Format::Html),
        ];
        let mut articles = ArticleList::new(PathBuf::from("in"), formats.to_vec());
        assert!(articles.is_empty());
        all.iter().for_each(|article| articles.push(article.clone()));
        assert_eq!(articles.len(), all.len());
        assert_eq!(articles.iter().collect::<Vec<_>>(), all);
        assert_eq!(articles.get(all.len()), None);
        assert_eq!(articles.odd_paths.len(), 1);
    }
}
