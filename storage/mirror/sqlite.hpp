#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// For this room only: SQLite itself.
namespace factory {

/// One connection with its prepared statements. The first error stays: after it every call does nothing and returns false until
/// begin() or clear_error(). So a transaction needs no check per line; commit() reports the error.
/// Not thread-safe.
class sqlite_file {
 public:
  sqlite_file() = default;
  ~sqlite_file() { close(); }
  sqlite_file(const sqlite_file&) = delete;
  sqlite_file& operator=(const sqlite_file&) = delete;

  bool open(const std::filesystem::path& file);
  void close();
  bool is_open() const { return connection_ != nullptr; }

  bool begin();   ///< clears an earlier error
  bool commit();  ///< rolls back when something failed since begin()
  void rollback();

  /// One or more statements without results.
  bool exec(const char* sql);
  /// A statement that is kept prepared. REQUIRES: `sql` lives as long as this object (a literal).
  template <class... Values>
  bool run(const char* sql, const Values&... values) {
    sqlite3_stmt* statement = prepared(sql);
    if (statement == nullptr) return false;
    int place = 0;
    (bind(statement, ++place, values), ...);
    return finish(statement);
  }
  /// First column of the first row as text; nullopt when there is no row or an error.
  std::optional<std::string> value(const char* sql);

  bool failed() const { return code_ != SQLITE_OK; }
  bool damaged() const { return code_ == SQLITE_CORRUPT || code_ == SQLITE_NOTADB; }
  const std::string& message() const { return message_; }
  void clear_error();

 private:
  sqlite3_stmt* prepared(const char* sql);
  bool finish(sqlite3_stmt* statement);
  bool check(int code);
  void bind(sqlite3_stmt* statement, int place, std::nullptr_t) { check(sqlite3_bind_null(statement, place)); }
  void bind(sqlite3_stmt* statement, int place, std::integral auto number) {
    check(sqlite3_bind_int64(statement, place, static_cast<sqlite3_int64>(number)));
  }
  void bind(sqlite3_stmt* statement, int place, double number) { check(sqlite3_bind_double(statement, place, number)); }
  void bind(sqlite3_stmt* statement, int place, std::string_view text) {
    check(sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT));
  }
  template <class T>
  void bind(sqlite3_stmt* statement, int place, const std::optional<T>& value) {
    if (value) {
      bind(statement, place, *value);
    } else {
      bind(statement, place, nullptr);
    }
  }

  sqlite3* connection_ = nullptr;
  std::map<const char*, sqlite3_stmt*> statements_;
  int code_ = SQLITE_OK;  // primary result code of the first error
  std::string message_;
};

}  // namespace factory
