#include "http/notify/transfers.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "http/edge/limits.hpp"
#include "http/notify/private_address.hpp"

namespace factory {

struct transfer_under_way {
  transfer what;
  transfers::callback done;
  CURL* easy = nullptr;
  curl_slist *headers = nullptr, *recipients = nullptr;
  std::size_t read = 0;   // of the message of an e-mail
  std::string answer;     // its first bytes
  std::string forbidden;  // the private address that it must not reach
  char problem[CURL_ERROR_SIZE]{};

  transfer_under_way() = default;
  transfer_under_way(const transfer_under_way&) = delete;
  transfer_under_way& operator=(const transfer_under_way&) = delete;
  ~transfer_under_way() {
    if (easy != nullptr) curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    curl_slist_free_all(recipients);
  }
  bool is_mail() const { return what.url.starts_with("smtp"); }
  bool may_reach(const ip_address& address) {
    if (what.allow_private || !is_private(address)) return true;
    forbidden = to_text(address);
    return false;
  }
};

namespace {

void set_up_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) throw std::runtime_error("libcurl cannot be set up");
}

/// Before a connection is made: the address is the one that the name was resolved to, so no name can lead elsewhere.
curl_socket_t open_socket(void* whose, curlsocktype, curl_sockaddr* to) {
  auto& it = *static_cast<transfer_under_way*>(whose);
  const auto address = address_of(to->addr);
  if (!address || !it.may_reach(*address)) return CURL_SOCKET_BAD;
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/// Before a request goes over a connection: it may have been made for a channel that is allowed more.
int before_request(void* whose, char* ip, char*, int, int) {
  const auto address = parse_address(ip);
  return address && static_cast<transfer_under_way*>(whose)->may_reach(*address) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

std::size_t keep_answer(char* bytes, std::size_t, std::size_t count, void* whose) {
  auto& answer = static_cast<transfer_under_way*>(whose)->answer;
  answer.append(bytes, std::min(count, limits::receiver_answer_bytes - answer.size()));
  return answer.size() < limits::receiver_answer_bytes ? count : CURL_WRITEFUNC_ERROR;
}

std::size_t give_message(char* to, std::size_t size, std::size_t count, void* whose) {
  auto& it = *static_cast<transfer_under_way*>(whose);
  const std::size_t length = std::min(size * count, it.what.content.size() - it.read);
  std::copy_n(it.what.content.data() + it.read, length, to);
  it.read += length;
  return length;
}

void set_up(transfer_under_way& it, const std::string& ca_file) {
  CURL* const easy = it.easy;
  const transfer& what = it.what;
  curl_easy_setopt(easy, CURLOPT_URL, what.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, it.is_mail() ? "smtp,smtps" : "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, it.problem);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, std::max<long>(1, static_cast<long>(what.timeout_us / 1'000)));
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &it);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &it);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &it);
  if (!ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file.c_str());
  if (!what.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, what.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, what.password.c_str());
  }
  if (it.is_mail()) {
    curl_easy_setopt(easy, CURLOPT_USE_SSL, static_cast<long>(what.allow_plaintext ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, what.mail_from.c_str());
    for (const auto& address : what.mail_to) it.recipients = curl_slist_append(it.recipients, address.c_str());
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, it.recipients);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_message);
    curl_easy_setopt(easy, CURLOPT_READDATA, &it);
    return;
  }
  for (const auto& header : what.headers) it.headers = curl_slist_append(it.headers, header.c_str());
  it.headers = curl_slist_append(it.headers, "Expect:");  // no round trip more for a body of a kilobyte
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, it.headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what.content.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, what.content.c_str());
}

/// The first line of an answer, for a person, without what could disturb a log.
std::string excerpt(const std::string& answer) {
  std::string line = answer.substr(0, std::min<std::size_t>(answer.find('\n'), 200));
  std::erase_if(line, [](char c) { return c < ' ' || c > '~'; });
  return line;
}

bool may_pass(unsigned status, bool mail) {
  if (mail) return status < 500;
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

transfer_result result_of(transfer_under_way& it, CURLcode how) {
  using outcome = transfer_result::outcome;
  transfer_result out;
  long status = 0;
  curl_off_t took_us = 0, retry_after_s = 0;
  curl_easy_getinfo(it.easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(it.easy, CURLINFO_TOTAL_TIME_T, &took_us);
  curl_easy_getinfo(it.easy, CURLINFO_RETRY_AFTER, &retry_after_s);
  out.status = static_cast<unsigned>(status);
  out.took_us = took_us;
  out.retry_after_us = std::clamp<curl_off_t>(retry_after_s, 0, limits::longest_retry_ms / 1'000) * 1'000'000;
  const bool long_answer = how == CURLE_WRITE_ERROR && it.answer.size() >= limits::receiver_answer_bytes;
  if (!it.forbidden.empty()) {
    out.what = outcome::never;
    out.detail = fmt::format("{} is a private address; set allow_private on the channel, or start factoryd with --notify-private",
                             it.forbidden);
  } else if (how != CURLE_OK && !long_answer) {
    out.what = status != 0 && !may_pass(out.status, it.is_mail()) ? outcome::never : outcome::again;
    out.detail = it.problem[0] != '\0' ? it.problem : curl_easy_strerror(how);
  } else if (status >= 200 && status < 300) {
    out.what = outcome::sent;
  } else {
    out.what = may_pass(out.status, it.is_mail()) ? outcome::again : outcome::never;
    out.detail = fmt::format("the receiver answered {} {}", status, excerpt(it.answer));
  }
  return out;
}

}  // namespace

struct transfers::impl {
  explicit impl(std::string certificates) : ca_file(std::move(certificates)) {
    set_up_curl();
    multi = curl_multi_init();
    if (multi == nullptr) throw std::bad_alloc();
  }
  ~impl() {
    for (auto& [easy, it] : running) curl_multi_remove_handle(multi, easy);
    running.clear();
    curl_multi_cleanup(multi);
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  const std::string ca_file;
  CURLM* multi = nullptr;
  std::map<CURL*, std::unique_ptr<transfer_under_way>> running;

  /// Tells of those that have ended; whether there were any.
  bool finish() {
    int left = 0;
    bool some = false;
    while (const CURLMsg* const told = curl_multi_info_read(multi, &left)) {
      if (told->msg != CURLMSG_DONE) continue;
      const CURLcode how = told->data.result;
      auto node = running.extract(told->easy_handle);
      transfer_result result = result_of(*node.mapped(), how);
      curl_multi_remove_handle(multi, node.key());
      node.mapped()->done(std::move(result));
      some = true;
    }
    return some;
  }
};

transfers::transfers(std::string ca_file) : impl_(std::make_unique<impl>(std::move(ca_file))) {}
transfers::~transfers() = default;

void transfers::start(transfer what, callback done) {
  auto it = std::make_unique<transfer_under_way>();
  it->what = std::move(what);
  it->done = std::move(done);
  it->easy = curl_easy_init();
  if (it->easy == nullptr) throw std::bad_alloc();
  set_up(*it, impl_->ca_file);
  curl_multi_add_handle(impl_->multi, it->easy);
  impl_->running.emplace(it->easy, std::move(it));
}

void transfers::run(std::int64_t longest_wait_us) {
  int still = 0;
  curl_multi_perform(impl_->multi, &still);
  // What ended by now may make room for more, which is not to wait.
  if (!impl_->finish() && longest_wait_us > 0) {
    const auto wait_ms = std::clamp<std::int64_t>((longest_wait_us + 999) / 1'000, 1, 60'000);
    curl_multi_poll(impl_->multi, nullptr, 0, static_cast<int>(wait_ms), nullptr);
    curl_multi_perform(impl_->multi, &still);
    impl_->finish();
  }
}

void transfers::wake() { curl_multi_wakeup(impl_->multi); }
std::size_t transfers::under_way() const { return impl_->running.size(); }

}  // namespace factory
