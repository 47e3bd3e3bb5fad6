//! Memory for weights, in large pages where the operating system has them.
//!
//! A matrix product of few activation rows reads every weight once. In pages of 4 KiB the processor spends about as
//! long on translating page addresses as on reading, and an allocator gives no large pages to a matrix that is smaller
//! than one.

use half::f16;
use memmap2::{Mmap, MmapMut};
use std::alloc::{Layout, handle_alloc_error};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Marks types for which every bit pattern is a valid value, so that their memory may be reinterpreted.
///
/// # Safety
/// The type has no padding, no invalid bit patterns, and an alignment of at most [`BUFFER_ALIGNMENT_BYTES`].
pub(super) unsafe trait PlainData: Copy {}
// SAFETY: an array of numbers has no padding, and any bits are a number.
unsafe impl<const N: usize> PlainData for [f16; N] {}
// SAFETY: as above.
unsafe impl<const N: usize> PlainData for [i8; N] {}
// SAFETY: as above.
unsafe impl<const N: usize> PlainData for [u8; N] {}

/// Reinterprets values as values of another type with the same bytes; bytes at the end that do not fill a value are
/// left out.
pub(super) fn cast_slice<A: PlainData, B: PlainData>(values: &[A]) -> &[B] {
    const { assert!(align_of::<B>() <= align_of::<A>()) };
    // SAFETY: any bytes are a value of either type, the alignment was asserted, and the length is rounded down.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values) / size_of::<B>()) }
}

/// Reinterprets values mutably as values of another type with the same bytes, like [`cast_slice`].
pub(super) fn cast_slice_mut<A: PlainData, B: PlainData>(values: &mut [A]) -> &mut [B] {
    const { assert!(align_of::<B>() <= align_of::<A>()) };
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values) / size_of::<B>()) }
}

/// Size of a large page, in bytes (2 MiB, as on x86-64).
const HUGE_PAGE_BYTES: usize = 2 << 20;
/// Size of a [`MemoryRegion`] that several small buffers share, in bytes. Memory that is never touched costs nothing.
const REGION_BYTES: usize = 64 << 20;
/// Alignment of every buffer, in bytes.
const BUFFER_ALIGNMENT_BYTES: usize = 64;

/// A mapped memory region, out of which buffers are cut that do not overlap.
struct MemoryRegion {
    map: MmapMut,
    /// Byte offset in `map` at which the first large page starts.
    start: usize,
}

impl MemoryRegion {
    fn new(bytes: usize) -> Self {
        let length = bytes.next_multiple_of(HUGE_PAGE_BYTES) + HUGE_PAGE_BYTES;
        let Ok(map) = MmapMut::map_anon(length) else {
            handle_alloc_error(Layout::array::<u8>(length).unwrap_or(Layout::new::<u8>()));
        };
        // An operating system without large pages, or with none left, gives its usual pages.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let start = map.as_ptr().align_offset(HUGE_PAGE_BYTES);
        Self { map, start }
    }

    fn usable_bytes(&self) -> usize {
        self.map.len() - self.start
    }
}

/// The region that the next buffers are cut from, and the number of its bytes that are taken. The region is freed
/// together with its last buffer.
static CURRENT_REGION: Mutex<(Weak<MemoryRegion>, usize)> = Mutex::new((Weak::new(), 0));

/// An owned buffer of values in large pages.
pub(super) struct HugePageBuffer<T> {
    region: Arc<MemoryRegion>,
    /// Byte offset of the buffer's first value in the region's map.
    start: usize,
    len: usize,
    values: PhantomData<T>,
}

impl<T: PlainData> HugePageBuffer<T> {
    /// Allocates a buffer of `len` values whose bytes are all zero.
    pub fn new_zeroed(len: usize) -> Self {
        const { assert!(align_of::<T>() <= BUFFER_ALIGNMENT_BYTES) };
        let bytes = len
            .saturating_mul(size_of::<T>())
            .next_multiple_of(BUFFER_ALIGNMENT_BYTES);
        let (region, taken) = if bytes > REGION_BYTES {
            (Arc::new(MemoryRegion::new(bytes)), 0)
        } else {
            let mut current = CURRENT_REGION.lock().unwrap_or_else(PoisonError::into_inner);
            let (region, taken) = match current.0.upgrade() {
                Some(region) if region.usable_bytes() - current.1 >= bytes => (region, current.1),
                _ => (Arc::new(MemoryRegion::new(REGION_BYTES)), 0),
            };
            *current = (Arc::downgrade(&region), taken + bytes);
            (region, taken)
        };
        Self {
            start: region.start + taken,
            region,
            len,
            values: PhantomData,
        }
    }
}

impl<T> Deref for HugePageBuffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `new_zeroed` cut room for `len` values out of the region, aligned, for this buffer alone; any bytes are a
        // value.
        unsafe { std::slice::from_raw_parts(self.region.map.as_ptr().add(self.start).cast(), self.len) }
    }
}

impl<T> DerefMut for HugePageBuffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; the map is private to the process and can be written, and this buffer is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.region.map.as_ptr().add(self.start).cast_mut().cast(), self.len) }
    }
}

/// A read-only buffer of values, in memory of its own or in a memory-mapped file.
pub(super) struct ReadOnlyBuffer<T>(BufferStorage<T>);

enum BufferStorage<T> {
    Owned(HugePageBuffer<T>),
    /// The `len` values that start at byte `start` of a memory-mapped file.
    Mapped {
        map: Arc<Mmap>,
        start: usize,
        len: usize,
    },
}

impl<T: PlainData> ReadOnlyBuffer<T> {
    /// Uses `len` values of a memory-mapped file from byte `start` on; `None` if they do not lie within the map or are
    /// not aligned for their type.
    pub fn from_mapped_file(map: &Arc<Mmap>, start: usize, len: usize) -> Option<Self> {
        let bytes = map.get(start..start.checked_add(len.checked_mul(size_of::<T>())?)?)?;
        bytes.as_ptr().cast::<T>().is_aligned().then(|| {
            Self(BufferStorage::Mapped {
                map: map.clone(),
                start,
                len,
            })
        })
    }

    /// Gives the bytes of all values.
    pub fn as_bytes(&self) -> &[u8] {
        cast_slice::<T, [u8; 1]>(self).as_flattened()
    }
}

impl<T> Deref for ReadOnlyBuffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            BufferStorage::Owned(values) => values,
            // SAFETY: `from_mapped_file` checked bounds and alignment and that any bytes are a value; the map is read only.
            BufferStorage::Mapped { map, start, len } => unsafe {
                std::slice::from_raw_parts(map.as_ptr().add(*start).cast(), *len)
            },
        }
    }
}

impl<T> From<HugePageBuffer<T>> for ReadOnlyBuffer<T> {
    fn from(values: HugePageBuffer<T>) -> Self {
        Self(BufferStorage::Owned(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zero_aligned_and_apart() {
        let mut all: Vec<HugePageBuffer<[i8; 3]>> =
            [0, 1, 5, 40_000, REGION_BYTES / 3 + 1, REGION_BYTES / 3, REGION_BYTES, 2]
                .into_iter()
                .map(HugePageBuffer::new_zeroed)
                .collect();
        for (number, buffer) in all.iter_mut().enumerate() {
            assert!(buffer.iter().all(|three| *three == [0; 3]), "{number}");
            assert_eq!(buffer.as_ptr().align_offset(BUFFER_ALIGNMENT_BYTES), 0);
            buffer.fill([number as i8 + 1; 3]);
        }
        for (number, buffer) in all.iter().enumerate() {
            assert!(buffer.iter().all(|three| *three == [number as i8 + 1; 3]), "{number}");
        }
    }

    #[test]
    fn casts_leave_out_what_is_no_whole_value() {
        let mut halves = [[f16::ONE; 4]; 2];
        assert_eq!(
            cast_slice::<_, [i8; 6]>(&halves),
            [[0, 60, 0, 60, 0, 60], [0, 60, 0, 60, 0, 60]]
        );
        cast_slice_mut::<_, [i8; 6]>(&mut halves)[1] = [0; 6];
        let zero = f16::ZERO;
        assert_eq!(
            halves,
            [[f16::ONE, f16::ONE, f16::ONE, zero], [zero, zero, f16::ONE, f16::ONE]]
        );
    }
}
