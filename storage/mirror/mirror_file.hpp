#pragma once

#include "storage/catalog/catalog.hpp"
#include "storage/events/event_log.hpp"
#include "storage/mirror/sqlite.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

/// For this room only: the file of the mirror, its schema and its position in the store.
namespace factory {

struct migration {
  int number = 0;
  std::string_view name;
  const char* sql = "";
};
/// Numbered from 1 without gaps. A migration once released is never edited; a change of the schema is a new one.
const std::vector<migration>& migrations();

/// How far a mirror has followed its store.
struct mirror_place {
  std::uint64_t catalog_version = 0;
  std::uint64_t event_sequence = 0;
};

class mirror_file {
 public:
  mirror_file(std::filesystem::path file, std::string store_id) : path_(std::move(file)), store_id_(std::move(store_id)) {}

  /// Opens and migrates. Rebuilds a file that cannot be used (missing, damaged, of another store, ahead of `newest`, of a newer schema).
  /// False when the file cannot be written: it is then closed, and message() says why.
  bool open(const mirror_place& newest);
  /// Reads the whole file to find damage; rebuilds a damaged one. False as above.
  bool check();
  /// Deletes the file and rebuilds it.
  bool rebuild(std::string_view why);
  bool is_open() const { return sql_.is_open(); }
  /// True when the file at the path is no longer the open one: it was deleted or replaced.
  bool was_replaced() const;

  sqlite_file& sql() { return sql_; }
  const std::string& message() const { return sql_.message(); }
  const mirror_place& place() const { return place_; }
  /// Begins a transaction; commit() ends it and records the new position.
  bool begin() { return sql_.begin(); }
  bool commit(const mirror_place& place);
  std::uint64_t rebuild_count() const { return rebuilds_; }

 private:
  bool connect();
  bool migrate();
  bool make_anew();
  bool open_or_rebuild(const mirror_place& newest);
  std::string reason_to_rebuild(const mirror_place& newest);

  std::filesystem::path path_;
  std::string store_id_;
  sqlite_file sql_;
  mirror_place place_;
  ino_t inode_ = 0;
  std::uint64_t rebuilds_ = 0;
};

/// Write rows; an error stays in `sql`.
void write_delta(sqlite_file& sql, const catalog_delta& delta);
void write_anomaly(sqlite_file& sql, const finding& anomaly);
void write_alert(sqlite_file& sql, const finding& alert);
void drop_findings(sqlite_file& sql, std::int64_t over_before_us);
void write_history(sqlite_file& sql, const event& e);  ///< of an alert
struct series_row;
void write_series(sqlite_file& sql, const series_row& row);

}  // namespace factory
