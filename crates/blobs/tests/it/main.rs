//! The store through its public interface: on a real disk, and on one that fails on purpose.

mod adversary;
mod collection;
mod crash;
mod damage;
mod download;
mod faulty_disk;
mod full_disk;
mod model;
mod put_get;
mod sample;
mod threads;
