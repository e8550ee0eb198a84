//! The index: what is in it, and how it is asked.

use tantivy::{
    IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term,
    query::{AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query, TermQuery},
    schema::{FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{Token, TokenStream, Tokenizer},
};

use crate::{
    gram::{Gram, grams},
    shelf::{ANYWHERE, CATEGORY, Found, ID, IN_NAMES, Place, RANK, SINCE, Shelf},
    words::Words,
};

/// How texts are taken apart, by the name under which the schema asks for it.
const GRAMS: &str = "grams";
/// Bytes that are gathered before they become a part of the index: the least that may be said.
const GATHERED: usize = 15_000_000;

/// What can go wrong within the index.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// It cannot be written or read.
    #[error("the index does not work")]
    Index(#[from] tantivy::TantivyError),
    /// A column of it cannot be read.
    #[error("a column of the index cannot be read")]
    Column(#[from] std::io::Error),
}

/// Something that can be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Which; another entry of this id takes its place.
    pub id: String,
    /// What it is called, in every language.
    pub names: Vec<String>,
    /// What else is said of it.
    pub texts: Vec<String>,
    /// Where it belongs.
    pub category: Option<String>,
    /// What ranks higher is found first.
    pub rank: u64,
    /// Of two that rank alike, the one with the smaller number is found first.
    pub since: u64,
}

/// Entries by what is said of them. What was put is found after [`Index::commit`].
///
/// ```
/// use search::{Entry, Index, Words};
/// let mut index = Index::new()?;
/// let watch = Entry { id: "W1".into(), names: vec!["손목시계".into(), "Watch".into()], ..Entry::default() };
/// index.put(&watch)?;
/// index.commit()?;
/// let found = index.find(&Words::of("시계").unwrap(), None, None, 10)?;
/// assert_eq!((found.ids, found.total), (vec!["W1".to_owned()], 1));
/// # Ok::<(), search::SearchError>(())
/// ```
pub struct Index {
    fields: Fields,
    writer: IndexWriter,
    reader: IndexReader,
}

#[derive(Clone, Copy)]
struct Fields {
    id: Field,
    names: Field,
    said: Field,
    category: Field,
    rank: Field,
    since: Field,
}

impl Index {
    /// One with nothing in it.
    ///
    /// # Errors
    /// When the machine gives no thread to write it.
    pub fn new() -> Result<Self, SearchError> {
        let mut schema = Schema::builder();
        let by_gram = TextFieldIndexing::default()
            .set_tokenizer(GRAMS)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let text = TextOptions::default().set_indexing_options(by_gram.set_fieldnorms(false));
        let fields = Fields {
            id: schema.add_text_field(ID, STRING | FAST),
            names: schema.add_text_field("names", text.clone()),
            said: schema.add_text_field("said", text),
            category: schema.add_text_field(CATEGORY, STRING | FAST),
            rank: schema.add_u64_field(RANK, FAST),
            since: schema.add_u64_field(SINCE, FAST),
        };
        let index = tantivy::Index::create_in_ram(schema.build());
        index.tokenizers().register(GRAMS, Grams);
        let writer = index.writer_with_num_threads(1, GATHERED)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { fields, writer, reader })
    }

    /// Puts an entry in, in the place of the one of its id.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn put(&mut self, entry: &Entry) -> Result<(), SearchError> {
        self.remove(&entry.id);
        let fields = self.fields;
        let mut document = TantivyDocument::new();
        document.add_text(fields.id, &entry.id);
        for name in &entry.names {
            document.add_text(fields.names, name);
        }
        for said in entry.names.iter().chain(&entry.texts) {
            document.add_text(fields.said, said);
        }
        if let Some(category) = &entry.category {
            document.add_text(fields.category, category);
        }
        document.add_u64(fields.rank, entry.rank);
        document.add_u64(fields.since, entry.since);
        self.writer.add_document(document)?;
        Ok(())
    }

    /// Takes an entry out.
    pub fn remove(&mut self, id: &str) {
        self.writer.delete_term(Term::from_field_text(self.fields.id, id));
    }

    /// Shows what was put and removed.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn commit(&mut self) -> Result<(), SearchError> {
        self.writer.commit()?;
        Ok(self.reader.reload()?)
    }

    /// What bears every word, of a category or of all, after a place.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn find(
        &self,
        words: &Words,
        category: Option<&str>,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Found, SearchError> {
        let shelf = Shelf { category: category.map(ToOwned::to_owned), after, limit };
        Ok(self.reader.searcher().search(&*self.query(words), &shelf)??)
    }

    fn query(&self, words: &Words) -> Box<dyn Query> {
        if !words.are_asked {
            return Box::new(AllQuery);
        }
        if words.runs.is_empty() {
            return Box::new(EmptyQuery);
        }
        let all_in = |field: Field, worth: f32| -> (Occur, Box<dyn Query>) {
            let each = words.runs.iter().map(|run| (Occur::Must, in_a_row(field, run))).collect();
            (Occur::Should, Box::new(ConstScoreQuery::new(Box::new(BooleanQuery::new(each)), worth)))
        };
        Box::new(BooleanQuery::new(vec![all_in(self.fields.names, IN_NAMES), all_in(self.fields.said, ANYWHERE)]))
    }
}

/// One run of letters, as it stands.
fn in_a_row(field: Field, run: &[Gram]) -> Box<dyn Query> {
    let terms: Vec<_> = run.iter().map(|gram| (gram.at, Term::from_field_text(field, &gram.text))).collect();
    match <[_; 1]>::try_from(terms) {
        Ok([(_, term)]) => Box::new(TermQuery::new(term, IndexRecordOption::Basic)),
        Err(terms) => Box::new(PhraseQuery::new_with_offset(terms)),
    }
}

/// [`grams`] as the index asks for them. Its own n-grams all stand at place 0, and a phrase would lose its order.
#[derive(Clone)]
struct Grams;

struct Stream {
    grams: std::vec::IntoIter<Gram>,
    token: Token,
}

impl Tokenizer for Grams {
    type TokenStream<'a> = Stream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream {
        Stream { grams: grams(text).into_iter(), token: Token::default() }
    }
}

impl TokenStream for Stream {
    fn advance(&mut self) -> bool {
        let Some(Gram { text, at }) = self.grams.next() else { return false };
        self.token = Token { text, position: at, position_length: 1, ..Token::default() };
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
