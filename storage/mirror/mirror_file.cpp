#include "storage/mirror/mirror_file.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <charconv>
#include <system_error>

namespace factory {

namespace {

std::uint64_t number_of(const std::optional<std::string>& text) {
  std::uint64_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

ino_t inode_of(const std::filesystem::path& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

bool mirror_file::open(const mirror_place& newest) {
  if (open_or_rebuild(newest)) return true;
  sql_.close();
  return false;
}

bool mirror_file::open_or_rebuild(const mirror_place& newest) {
  const bool there = inode_of(path_) != 0;
  const bool usable = connect();
  if (!usable && !sql_.damaged()) return false;
  const std::string why = usable ? reason_to_rebuild(newest) : sql_.message();
  if (why.empty()) {
    if (migrate()) return true;
    return sql_.damaged() ? rebuild(sql_.message()) : false;
  }
  if (!there && newest.catalog_version == 0 && newest.event_sequence == 0) {  // a new store: nothing was lost
    return make_anew();
  }
  return rebuild(why);
}

bool mirror_file::check() {
  sql_.clear_error();
  const auto verdict = sql_.value("PRAGMA quick_check(1)");
  if (verdict == "ok") return true;
  if (sql_.failed() && !sql_.damaged()) return false;
  return rebuild(verdict ? *verdict : sql_.message());
}

bool mirror_file::rebuild(std::string_view why) {
  spdlog::warn("The SQLite mirror {} is made anew: {}.", path_.string(), why);
  if (!make_anew()) {
    sql_.close();
    return false;
  }
  ++rebuilds_;
  return true;
}

bool mirror_file::make_anew() {
  sql_.close();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code ignored;  // if it cannot be removed, opening fails
    std::filesystem::remove(path_.string() + suffix, ignored);
  }
  if (!connect() || !migrate()) return false;
  sql_.begin();
  sql_.run("INSERT OR REPLACE INTO meta VALUES ('store_id', ?)", store_id_);
  return commit({});
}

bool mirror_file::was_replaced() const { return inode_of(path_) != inode_; }

bool mirror_file::commit(const mirror_place& place) {
  sql_.run("INSERT OR REPLACE INTO meta VALUES ('catalog_version', ?)", place.catalog_version);
  sql_.run("INSERT OR REPLACE INTO meta VALUES ('event_sequence', ?)", place.event_sequence);
  if (!sql_.commit()) return false;
  place_ = place;
  return true;
}

bool mirror_file::connect() {
  if (!sql_.open(path_)) return false;
  inode_ = inode_of(path_);
  return sql_.exec(
      "CREATE TABLE IF NOT EXISTS schema_migrations "
      "(version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)");
}

bool mirror_file::migrate() {
  const auto done = number_of(sql_.value("SELECT max(version) FROM schema_migrations"));
  for (const migration& next : migrations()) {
    if (static_cast<std::uint64_t>(next.number) <= done) continue;
    sql_.begin();
    sql_.exec(next.sql);
    sql_.run("INSERT INTO schema_migrations (version, name) VALUES (?, ?)", next.number, next.name);
    if (!sql_.commit()) return false;
  }
  place_.catalog_version = number_of(sql_.value("SELECT value FROM meta WHERE key = 'catalog_version'"));
  place_.event_sequence = number_of(sql_.value("SELECT value FROM meta WHERE key = 'event_sequence'"));
  return !sql_.failed();
}

/// Why the file cannot be used; empty when it can.
std::string mirror_file::reason_to_rebuild(const mirror_place& newest) {
  const auto schema = number_of(sql_.value("SELECT max(version) FROM schema_migrations"));
  if (sql_.failed()) return sql_.message();
  if (schema > migrations().size())
    return fmt::format("its schema {} is newer than this program's {}", schema, migrations().size());
  if (schema == 0) return "it is missing or empty";
  const auto store = sql_.value("SELECT value FROM meta WHERE key = 'store_id'");
  if (store != store_id_) return sql_.failed() ? sql_.message() : "it belongs to another data directory";
  const mirror_place place{number_of(sql_.value("SELECT value FROM meta WHERE key = 'catalog_version'")),
                           number_of(sql_.value("SELECT value FROM meta WHERE key = 'event_sequence'"))};
  if (sql_.failed()) return sql_.message();
  if (place.catalog_version > newest.catalog_version || place.event_sequence > newest.event_sequence) {
    return "it is ahead of the data directory, which must have been restored";
  }
  return "";
}

}  // namespace factory
