mod claims;
mod property;
mod rig;
mod tasks;
