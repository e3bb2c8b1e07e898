//! The tests of `analysis`, in one binary.

mod it {
    mod absorb;
    mod lifecycle;
    mod merge;
    mod observe;
    mod pages;
    mod shapes;
    mod templates;
}
