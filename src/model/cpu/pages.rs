//! Memory for weights, in large pages where the system has them.
//!
//! A product of few rows reads every weight once. In pages of 4 KiB the processor then spends about as long on finding
//! pages as on reading them, and an allocator gives it no others for matrices of less than one large page each.

use half::f16;
use memmap2::MmapMut;
use std::alloc::{Layout, handle_alloc_error};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Types of which any bytes are a value.
///
/// # Safety
/// No padding, no invalid bit patterns, and as much alignment as [`ALIGNMENT`] at most.
pub(in crate::model) unsafe trait Plain: Copy {}
// SAFETY: arrays of numbers.
unsafe impl<const N: usize> Plain for [f16; N] {}
// SAFETY: as above.
unsafe impl<const N: usize> Plain for [i8; N] {}
// SAFETY: as above.
unsafe impl<const N: usize> Plain for [u8; N] {}

/// The values that these are, byte for byte; what is left at the end is left out.
pub(in crate::model) fn cast<A: Plain, B: Plain>(values: &[A]) -> &[B] {
    const { assert!(align_of::<B>() <= align_of::<A>()) };
    // SAFETY: any bytes are a value of either, and they are as aligned as they have to be.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values) / size_of::<B>()) }
}

/// As [`cast`].
pub(in crate::model) fn cast_mut<A: Plain, B: Plain>(values: &mut [A]) -> &mut [B] {
    const { assert!(align_of::<B>() <= align_of::<A>()) };
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values) / size_of::<B>()) }
}

/// Of a large page.
const PAGE: usize = 2 << 20;
/// Matrices share regions of this size, so that a large page holds several; untouched, it costs nothing.
const REGION: usize = 64 << 20;
/// Of each buffer, in bytes.
const ALIGNMENT: usize = 64;

/// Memory that buffers are cut from, once each.
struct Region {
    map: MmapMut,
    /// Of the first large page.
    start: usize,
}

impl Region {
    fn new(bytes: usize) -> Self {
        let length = bytes.next_multiple_of(PAGE) + PAGE;
        let Ok(map) = MmapMut::map_anon(length) else {
            handle_alloc_error(Layout::array::<u8>(length).unwrap_or(Layout::new::<u8>()));
        };
        // Where the system will not, its usual pages do.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let start = map.as_ptr().align_offset(PAGE);
        Self { map, start }
    }

    fn room(&self) -> usize {
        self.map.len() - self.start
    }
}

/// The region in use, and how much of it is taken. It goes with the last buffer in it.
static CURRENT: Mutex<(Weak<Region>, usize)> = Mutex::new((Weak::new(), 0));

/// A buffer of its own.
pub(in crate::model) struct Pages<T> {
    region: Arc<Region>,
    /// The first byte, counted in the region's map.
    start: usize,
    len: usize,
    values: PhantomData<T>,
}

impl<T: Plain> Pages<T> {
    /// `len` values whose bytes are zero.
    pub fn zeroed(len: usize) -> Self {
        const { assert!(align_of::<T>() <= ALIGNMENT) };
        let bytes = len.saturating_mul(size_of::<T>()).next_multiple_of(ALIGNMENT);
        let (region, taken) = if bytes > REGION {
            (Arc::new(Region::new(bytes)), 0)
        } else {
            let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
            let (region, taken) = match current.0.upgrade() {
                Some(region) if region.room() - current.1 >= bytes => (region, current.1),
                _ => (Arc::new(Region::new(REGION)), 0),
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

impl<T> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `zeroed` cut `len` values out of the region, aligned, of any bytes, for this buffer alone.
        unsafe { std::slice::from_raw_parts(self.region.map.as_ptr().add(self.start).cast(), self.len) }
    }
}

impl<T> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; the map is private and can be written.
        unsafe { std::slice::from_raw_parts_mut(self.region.map.as_ptr().add(self.start).cast_mut().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zero_aligned_and_apart() {
        let mut all: Vec<Pages<[i8; 3]>> = [0, 1, 5, 40_000, REGION / 3 + 1, REGION / 3, REGION, 2]
            .into_iter()
            .map(Pages::zeroed)
            .collect();
        for (number, buffer) in all.iter_mut().enumerate() {
            assert!(buffer.iter().all(|three| *three == [0; 3]), "{number}");
            assert_eq!(buffer.as_ptr().align_offset(ALIGNMENT), 0);
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
            cast::<_, [i8; 6]>(&halves),
            [[0, 60, 0, 60, 0, 60], [0, 60, 0, 60, 0, 60]]
        );
        cast_mut::<_, [i8; 6]>(&mut halves)[1] = [0; 6];
        let zero = f16::ZERO;
        assert_eq!(
            halves,
            [[f16::ONE, f16::ONE, f16::ONE, zero], [zero, zero, f16::ONE, f16::ONE]]
        );
    }
}
