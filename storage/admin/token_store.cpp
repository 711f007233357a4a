#include "storage/admin/token_store.hpp"

#include "storage/base/rocks.hpp"

#include "storage/base/limits.hpp"
#include "storage/base/record.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <mutex>

namespace factory {

namespace {

constexpr std::uint8_t token_version = 1;
constexpr char token_space = 't';
constexpr std::string_view next_id_key = "next_token";
constexpr std::string_view secret_prefix = "fm-";
constexpr std::size_t secret_bytes = 32;

using table = std::map<token_id, std::shared_ptr<const access_token>>;

std::string key_of(token_id id) {
  std::string key(1, token_space);
  put_key32(key, id);
  return key;
}

std::string encode(const access_token& token) {
  std::string out = begin_record(token_version);
  put_varint(out, token.id);
  put_text(out, token.name);
  put_byte(out, token.scopes);
  put_varint(out, token.factory);
  put_zigzag(out, token.created_at_us);
  out.append(reinterpret_cast<const char*>(token.hash.data()), token.hash.size());
  return out;
}

bool decode(std::string_view in, access_token& token) {
  const bool good = begin_record(in, token_version) && get_varint_as(in, token.id) && get_text(in, token.name) &&
                    get_byte(in, token.scopes) && get_varint_as(in, token.factory) && get_zigzag(in, token.created_at_us) &&
                    in.size() == token.hash.size();
  if (good) std::ranges::copy(in, token.hash.begin());
  return good;
}

std::array<unsigned char, 32> hash_of(std::string_view secret) {
  std::array<unsigned char, 32> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), hash.data());
  return hash;
}

expected<std::string> make_secret(token_id id) {
  std::array<unsigned char, secret_bytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    return fail(errc::unavailable, "the system gives no random numbers; try again");
  std::string secret = std::string(secret_prefix) + std::to_string(id) + "-";
  constexpr std::string_view digits = "0123456789abcdef";
  for (const unsigned char byte : random) {
    secret += digits[byte >> 4U];
    secret += digits[byte & 15U];
  }
  return secret;
}

/// True for an admin token without a factory.
bool reigns(const access_token& token) { return has(token.scopes, access_scope::admin); }

expected<void> check(const table& known, const access_token& wanted) {
  if (wanted.name.empty() || wanted.name.size() > limits::name_bytes)
    return fail(errc::invalid, "name must be of 1 to 256 bytes", "name");
  if (wanted.scopes == 0) return fail(errc::invalid, "scopes must name one of ingest, read, operate, admin", "scopes");
  if (reigns(wanted) && wanted.factory != 0) return fail(errc::invalid, "admin cannot be limited to a factory", "factory_id");
  if (known.empty() && !reigns(wanted))
    return fail(errc::invalid, "the first token must have the scope admin: nobody could make or revoke others", "scopes");
  if (known.size() >= limits::tokens) return fail(errc::too_large, "there are too many tokens; revoke one first");
  const bool taken = std::ranges::any_of(known, [&](const auto& each) { return each.second->name == wanted.name; });
  if (taken) return fail(errc::conflict, "A token of this name exists", "name");
  return {};
}

}  // namespace

struct token_store::impl {
  explicit impl(database& db) : rocks(db.raw()) {}
  database::impl& rocks;
  std::mutex changes;
  token_id next = 1;
  std::atomic<bool> any{false};
  std::atomic<std::shared_ptr<const table>> known{std::make_shared<const table>()};

  rocksdb::ColumnFamilyHandle* state() const { return rocks.at(column::state); }
  void publish(table changed) {
    const bool some = !changed.empty();
    known.store(std::make_shared<const table>(std::move(changed)));
    any.store(some, std::memory_order_release);
  }
};

token_store::token_store(database& db) : impl_(std::make_unique<impl>(db)) {}
token_store::~token_store() = default;

expected<void> token_store::load() {
  table found;
  const std::unique_ptr<rocksdb::Iterator> it(impl_->rocks.db->NewIterator(rocksdb::ReadOptions(), impl_->state()));
  for (it->Seek(std::string(1, token_space)); it->Valid() && it->key()[0] == token_space; it->Next()) {
    access_token token;
    if (!decode(to_view(it->value()), token)) {
      return fail(errc::corrupt,
                  "A token cannot be read: the database is damaged or of a newer version, restore the newest snapshot.");
    }
    found.emplace(token.id, std::make_shared<const access_token>(token));
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the tokens"));
  std::string next;
  const auto status = impl_->rocks.db->Get(rocksdb::ReadOptions(), impl_->state(), to_slice(next_id_key), &next);
  if (!status.ok() && !status.IsNotFound()) return tl::unexpected(to_error(status, "reading the tokens"));
  std::string_view in = next;
  if (status.ok() && !get_varint_as(in, impl_->next)) return fail(errc::corrupt, "The number of the next token cannot be read.");
  impl_->publish(std::move(found));
  return {};
}

expected<token_store::created> token_store::create(access_token wanted, std::int64_t now_us) {
  const std::lock_guard lock(impl_->changes);
  table changed = *impl_->known.load();
  if (auto good = check(changed, wanted); !good) return tl::unexpected(good.error());
  wanted.id = impl_->next;
  wanted.created_at_us = now_us;
  auto secret = make_secret(wanted.id);
  if (!secret) return tl::unexpected(secret.error());
  wanted.hash = hash_of(*secret);

  rocksdb::WriteBatch batch;
  batch.Put(impl_->state(), key_of(wanted.id), encode(wanted));
  std::string next;
  put_varint(next, wanted.id + 1);
  batch.Put(impl_->state(), to_slice(next_id_key), next);
  if (auto written = impl_->rocks.write(batch, true, "storing a token"); !written) return tl::unexpected(written.error());
  impl_->next = wanted.id + 1;
  changed.emplace(wanted.id, std::make_shared<const access_token>(wanted));
  impl_->publish(std::move(changed));
  return created{std::move(wanted), std::move(*secret)};
}

expected<void> token_store::revoke(token_id id) {
  const std::lock_guard lock(impl_->changes);
  table changed = *impl_->known.load();
  if (changed.erase(id) == 0) return fail(errc::not_found, "Token not found");
  const bool reigned = std::ranges::any_of(changed, [](const auto& each) { return reigns(*each.second); });
  if (!changed.empty() && !reigned)
    return fail(errc::conflict,
                "This is the last admin token and others depend on it; make another admin token or revoke the others first");
  rocksdb::WriteBatch batch;
  batch.Delete(impl_->state(), key_of(id));
  if (auto written = impl_->rocks.write(batch, true, "revoking a token"); !written) return written;
  impl_->publish(std::move(changed));
  return {};
}

std::vector<access_token> token_store::tokens() const {
  std::vector<access_token> all;
  const auto known = impl_->known.load();
  for (const auto& [id, token] : *known) all.push_back(*token);
  return all;
}

bool token_store::any() const { return impl_->any.load(std::memory_order_acquire); }

std::shared_ptr<const access_token> token_store::find(std::string_view secret) const {
  if (!secret.starts_with(secret_prefix)) return nullptr;
  token_id id = 0;
  const char* const digits = secret.data() + secret_prefix.size();
  const auto [end, failed] = std::from_chars(digits, secret.data() + secret.size(), id);
  if (failed != std::errc{}) return nullptr;
  const auto known = impl_->known.load();
  const auto found = known->find(id);
  if (found == known->end()) return nullptr;
  const auto hash = hash_of(secret);
  return CRYPTO_memcmp(hash.data(), found->second->hash.data(), hash.size()) == 0 ? found->second : nullptr;
}

}  // namespace factory
