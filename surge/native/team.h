// Work that is shared among torch's own threads. Others would stand in their way: after a parallel part of its own, torch's
// go on turning for a while, in case there is another.
#pragma once
#include <atomic>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

// `run`: GOMP_parallel of the OpenMP that torch has loaded; without it (another OpenMP) threads are started anew.
struct Team {
    void (*run)(void (*)(void*), void*, unsigned, unsigned);
    int32_t threads;
};

namespace {

// part(0) to part(count - 1), each once, in any order; 1 where memory ran out, 0 where all were done.
template <class Part>
int share(const Team* team, int64_t count, Part part) {
    std::atomic<int64_t> next{0};
    std::atomic<int> failed{0};
    auto work = [&] {
        try {
            for (int64_t i; (i = next++) < count;) part(i);
        } catch (const std::bad_alloc&) {
            failed = 1;
        }
    };
    using Work = decltype(work);
    const int threads = (int)(team->threads < count ? team->threads : count);
    if (threads < 2)
        work();
    else if (team->run)
        team->run([](void* all) { (*static_cast<Work*>(all))(); }, &work, threads, 0);
    else {
        std::vector<std::thread> others;
        for (int t = 1; t < threads; t++) others.emplace_back(work);
        work();
        for (std::thread& other : others) other.join();
    }
    return failed;
}

}  // namespace
