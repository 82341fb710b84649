//! An array whose copies share what is the same in both. It is the reason why a change of ten members of a million copies
//! a few kilobytes.

use std::sync::Arc;

/// How many elements a group has.
const GROUP: usize = 64;

/// An element that can say how large it is.
pub(crate) trait MemorySize: Clone {
    /// The size of the element with everything that it owns on the heap, in bytes.
    fn bytes(&self) -> usize;
}

/// An array of large elements. A clone copies one pointer for each group of 64 elements. A change of an element copies the
/// element and the pointers of its group, unless only this array has them.
#[derive(Clone, Debug)]
pub(crate) struct SharedArray<T> {
    groups: Vec<Arc<Vec<Arc<T>>>>,
    len: usize,
    bytes: usize,
}

impl<T> Default for SharedArray<T> {
    fn default() -> Self {
        Self { groups: Vec::new(), len: 0, bytes: 0 }
    }
}

/// What an `Arc` and the allocation of an element take, in bytes: two counters, the pointer, and the allocator's own part.
const PER_ELEMENT: usize = 40;

impl<T: MemorySize> SharedArray<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The size of all elements, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.groups.get(index / GROUP)?.get(index % GROUP).map(Arc::as_ref)
    }

    pub(crate) fn push(&mut self, element: T) {
        self.bytes += element.bytes() + PER_ELEMENT;
        if self.len.is_multiple_of(GROUP) {
            self.groups.push(Arc::default());
        }
        if let Some(group) = self.groups.last_mut() {
            Arc::make_mut(group).push(Arc::new(element));
        }
        self.len += 1;
    }

    /// Changes an element; other arrays keep the element as it was. Returns `None` if there is no such element.
    pub(crate) fn change<R>(&mut self, index: usize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let element = Arc::make_mut(self.groups.get_mut(index / GROUP)?).get_mut(index % GROUP)?;
        let element = Arc::make_mut(element);
        let before = element.bytes();
        let result = change(element);
        self.bytes = self.bytes - before + element.bytes();
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl MemorySize for Vec<u64> {
        fn bytes(&self) -> usize {
            self.len() * 8
        }
    }

    #[test]
    fn a_change_shares_everything_else() {
        let mut array = SharedArray::default();
        for number in 0..1_000_u64 {
            array.push(vec![number]);
        }
        let before = array.clone();
        assert_eq!(array.change(700, |element| element.push(7)), Some(()));
        assert_eq!(array.change(2_000, |element| element.push(7)), None);
        assert_eq!((before.get(700), array.get(700)), (Some(&vec![700]), Some(&vec![700, 7])));
        assert_eq!(array.bytes() - before.bytes(), 8);
        let copied = (0..1_000).filter(|i| !std::ptr::eq(before.get(*i).unwrap(), array.get(*i).unwrap())).count();
        assert_eq!(copied, 1);
        let groups = before.groups.iter().zip(&array.groups).filter(|(old, new)| !Arc::ptr_eq(old, new)).count();
        assert_eq!(groups, 1);
    }
}
