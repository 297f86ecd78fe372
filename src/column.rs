//! Numbers by slot, in pages: a column grows without copying, and leaves no holes in memory that cannot be given back.

const PAGE_BITS: u32 = 8;
const PAGE: usize = 1 << PAGE_BITS;

/// A number, or a few that are used together, for every slot there could be. It is `usual` until something else is written.
#[derive(Clone, Debug)]
pub struct Column<T = u32> {
    /// In boxes, since pages stay where they are when there are more of them.
    pages: Vec<Box<[T; PAGE]>>,
    usual: T,
}

impl<T: Copy> Column<T> {
    /// A column that reads as `usual` everywhere.
    pub fn new(usual: T) -> Self {
        Self { pages: Vec::new(), usual }
    }

    /// The number of `slot`.
    #[inline]
    pub fn get(&self, slot: u32) -> T {
        self.pages.get((slot >> PAGE_BITS) as usize).map_or(self.usual, |page| page[slot as usize % PAGE])
    }

    /// The number of `slot`, to change it; `None` where there has never been another than the usual.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.pages.get_mut((slot >> PAGE_BITS) as usize).map(|page| &mut page[slot as usize % PAGE])
    }

    /// Writes the number of `slot`.
    #[inline]
    pub fn set(&mut self, slot: u32, number: T) {
        let page = (slot >> PAGE_BITS) as usize;
        if page >= self.pages.len() {
            self.grow(page);
        }
        self.pages[page][slot as usize % PAGE] = number;
    }

    #[cold]
    fn grow(&mut self, page: usize) {
        let usual = self.usual;
        self.pages.resize_with(page + 1, || Box::new([usual; PAGE]));
    }
}

#[cfg(test)]
mod tests {
    use super::Column;
    use proptest::prelude::{any, proptest};
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_column_equals_a_map_with_a_usual_value(writes in proptest::collection::vec((0..5000u32, any::<u32>()), 0..100)) {
            let mut column = Column::new(7);
            let mut model = BTreeMap::new();
            for (slot, number) in writes {
                column.set(slot, number);
                model.insert(slot, number);
            }
            assert!((0..6000).all(|slot| column.get(slot) == model.get(&slot).copied().unwrap_or(7)));
        }
    }
}
