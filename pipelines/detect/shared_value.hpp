#pragma once

#include <memory>
#include <type_traits>

namespace factory {

/// A value that copies share until one of them is changed: a sensor's state is copied often (revisable.hpp), and what is large in it changes
/// rarely. Nothing is allocated before the first change. REQUIRES: the copies belong to one thread at a time.
template <class T>
class shared_value {
 public:
  const T& read() const {
    static const T fresh{};
    return value_ ? *value_ : fresh;
  }
  T& change() {
    if (!value_)
      value_ = std::make_shared<T>();
    else if (value_.use_count() > 1)
      value_ = std::make_shared<T>(*value_);
    return *value_;
  }
  bool is_fresh() const { return value_ == nullptr; }  ///< never changed

  bool operator==(const shared_value& other) const { return value_ == other.value_ || read() == other.read(); }
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    bool is_there = !self.is_fresh();
    visit(is_there);
    if constexpr (std::is_const_v<Self>) {
      if (is_there) visit(self.read());
    } else {
      self.value_.reset();
      if (is_there) visit(self.change());
    }
  }

 private:
  std::shared_ptr<T> value_;
};

}  // namespace factory
