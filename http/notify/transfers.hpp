#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace factory {

/// One request to a receiver.
struct transfer {
  std::string url;  ///< http(s): content is posted; smtp(s): content is a message
  std::vector<std::string> headers;
  std::string content;
  std::string username, password;  ///< of HTTP's basic authentication, of SMTP's log-in; empty: none
  std::string mail_from;
  std::vector<std::string> mail_to;
  std::int64_t timeout_us = 10'000'000;
  bool allow_private = false;    ///< else no connection to a private address, whatever the name resolves to
  bool allow_plaintext = false;  ///< of smtp: without TLS too
};

struct transfer_result {
  enum class outcome : std::uint8_t {
    sent,   ///< the receiver has it
    again,  ///< not now: no connection, no answer, 408, 425, 429, 5xx, 4xx of SMTP
    never,  ///< the receiver refuses this one, or it must not go there
  } what = outcome::again;
  unsigned status = 0;              ///< of HTTP or SMTP; 0: none came
  std::string detail = {};          ///< a sentence; empty when sent
  std::int64_t retry_after_us = 0;  ///< asked for by the receiver
  std::int64_t took_us = 0;
};

/// Requests under way, all on the caller's thread; connections are kept for the next one. No redirect is followed, no proxy of the
/// environment is used: what is asked for is where it goes.
class transfers {
 public:
  /// `ca_file`: certificates that receivers are checked against; empty: the system's.
  explicit transfers(std::string ca_file);
  ~transfers();  ///< drops what is under way
  transfers(const transfers&) = delete;
  transfers& operator=(const transfers&) = delete;

  using callback = std::function<void(transfer_result)>;
  /// `done` is called by run(), once.
  void start(transfer what, callback done);
  /// Moves on what is under way; waits up to so long for the network or a wake().
  void run(std::int64_t longest_wait_us);
  void wake();  ///< from any thread
  std::size_t under_way() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
