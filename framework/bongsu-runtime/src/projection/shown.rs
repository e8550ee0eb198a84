//! Which generation of a read model is shown now, with the guard that it stays so.

use std::sync::Arc;

use crate::{
    commit::{core::Core, map::Consumer},
    ports::store::{Guard, StoreError},
    records::generation::{shown_by, shown_key},
};

impl Core {
    /// The generation shown now, and the guard that it stays so.
    pub(crate) async fn shown(&self, root: &str) -> Result<(u64, Guard), StoreError> {
        let doc = self.store.docs(vec![shown_key(root)]).await?.pop().flatten();
        let guard = Guard::Doc(shown_key(root), doc.as_ref().map(|doc| doc.revision));
        Ok((shown_by(doc.as_ref())?, guard))
    }

    /// A reader as it is now: of a read model the one of the generation shown, with the guard that it stays so.
    pub(crate) async fn reader(
        &self,
        consumer: Arc<dyn Consumer>,
    ) -> Result<(Arc<dyn Consumer>, Option<Guard>), StoreError> {
        if !consumer.is_read_model() {
            return Ok((consumer, None));
        }
        let (generation, guard) = self.shown(consumer.name()).await?;
        Ok((consumer.generation(generation).unwrap_or(consumer), Some(guard)))
    }
}
