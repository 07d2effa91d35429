//! What a chain knows after a block: accounts and their storage. Copies share what is equal.

use std::convert::Infallible;
use std::hash::{BuildHasherDefault, Hasher};

use alloy_primitives::map::AddressMap;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, Vector};
use revm::bytecode::Bytecode;
use revm::state::{Account, AccountInfo};
use revm::{Database, DatabaseCommit};

type Map<K, V> = GenericHashMap<K, V, BuildHasherDefault<KeyHasher>, DefaultSharedPtr>;

/// The state after a block.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    accounts: Map<Address, AccountInfo>,
    slots: Map<(Address, U256), U256>,
    /// Hashes of the block and all before it, by height.
    line: Vector<B256>,
    /// Stands for all changes so far.
    digest: B256,
}

/// Mixes keys that nobody chooses: addresses and slots are hashes themselves. The same in every
/// process, so that nothing depends on where a simulation runs.
#[derive(Debug, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }

    fn write_usize(&mut self, _: usize) {
        // The length of a key of fixed length says nothing.
    }
}

impl State {
    /// What an account has and is; nothing where it was never used.
    pub(super) fn account(&self, address: Address) -> Option<&AccountInfo> {
        self.accounts.get(&address)
    }

    pub(super) fn nonce(&self, address: Address) -> u64 {
        self.account(address).map_or(0, |account| account.nonce)
    }

    pub(super) fn balance(&self, address: Address) -> U256 {
        self.account(address).map_or(U256::ZERO, |account| account.balance)
    }

    /// The code at an address; nothing where there is none.
    pub(super) fn code(&self, address: Address) -> Bytes {
        let code = self.account(address).and_then(|account| account.code.as_ref());
        code.map_or_else(Bytes::new, |code| code.original_bytes())
    }

    /// keccak256 of the code at an address; that of nothing where there is none.
    pub(super) fn code_hash(&self, address: Address) -> B256 {
        self.account(address).map_or_else(|| keccak256([]), |account| account.code_hash)
    }

    pub(super) fn slot(&self, address: Address, slot: U256) -> U256 {
        self.slots.get(&(address, slot)).copied().unwrap_or_default()
    }

    /// Hash of the block at a height of this branch.
    pub(super) fn hash_at(&self, number: u64) -> Option<B256> {
        self.line.get(usize::try_from(number).ok()?).copied()
    }

    /// Stands for everything that is known; two states with the same one are equal.
    pub(super) const fn digest(&self) -> B256 {
        self.digest
    }

    /// Gives an account coins out of nothing.
    pub(super) fn fund(&mut self, address: Address, wei: U256) {
        let mut account = self.account(address).cloned().unwrap_or_default();
        account.balance = account.balance.saturating_add(wei);
        self.note(&[address.as_slice(), &account.balance.to_be_bytes::<32>()].concat());
        self.accounts.insert(address, account);
    }

    /// Puts code at an address.
    pub(super) fn place(&mut self, address: Address, code: Bytecode) {
        let account = AccountInfo { nonce: 1, ..AccountInfo::from_bytecode(code) };
        self.note(&[address.as_slice(), account.code_hash.as_slice()].concat());
        self.accounts.insert(address, account);
    }

    /// Appends the hash of the block after which this is the state.
    pub(super) fn seal(&mut self, hash: B256) {
        self.line.push_back(hash);
    }

    fn note(&mut self, what: &[u8]) {
        self.digest = keccak256([self.digest.as_slice(), what].concat());
    }
}

impl Database for State {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.accounts.get(&address).cloned())
    }

    fn code_by_hash(&mut self, _: B256) -> Result<Bytecode, Infallible> {
        // Accounts carry their code.
        Ok(Bytecode::default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.slot(address, slot))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self.hash_at(number).unwrap_or_default())
    }
}

impl DatabaseCommit for State {
    /// Since Cancun nothing that was there before a transaction can be destroyed by it, so what is
    /// destroyed here leaves no storage behind.
    fn commit(&mut self, changes: AddressMap<Account>) {
        let mut touched: Vec<(Address, Account)> =
            changes.into_iter().filter(|(_, account)| account.is_touched()).collect();
        touched.sort_unstable_by_key(|(address, _)| *address);
        let mut noted = Vec::with_capacity(touched.len().saturating_mul(128));
        for (address, account) in touched {
            noted.extend_from_slice(address.as_slice());
            if account.is_selfdestructed() || account.is_empty() {
                self.accounts.remove(&address);
                continue;
            }
            let mut slots: Vec<(U256, U256)> = account
                .changed_storage_slots()
                .map(|(slot, value)| (*slot, value.present_value))
                .collect();
            slots.sort_unstable();
            for (slot, value) in slots {
                noted.extend_from_slice(&slot.to_be_bytes::<32>());
                noted.extend_from_slice(&value.to_be_bytes::<32>());
                if value.is_zero() {
                    self.slots.remove(&(address, slot));
                } else {
                    self.slots.insert((address, slot), value);
                }
            }
            noted.extend_from_slice(&account.info.nonce.to_be_bytes());
            noted.extend_from_slice(&account.info.balance.to_be_bytes::<32>());
            noted.extend_from_slice(account.info.code_hash.as_slice());
            self.accounts.insert(address, account.info);
        }
        self.note(&noted);
    }
}
