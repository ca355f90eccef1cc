# Reference values for rank tests, Hodges-Lehmann differences and t intervals. Run: Rscript toxicity.R > toxicity.csv
alt_sirt <- c(58.2, 129.3, 160.0, 202.2, 469.5)
alt_lu <- c(-55.8, -53.1, -45.6, -39.2, -35.0, -30.0, -24.0, -18.7, -12.2, -11.1, -6.1, 0.6, 9.7, 10.5, 11.1, 14.6,
            14.9, 18.0, 37.6, 55.4, 67.0, 70.4, 92.9, 102.2, 116.6, 116.8, 142.9, 154.7, 173.7, 189.4, 204.5)
small_x <- c(1.1, 2.3, 4.8)
small_y <- c(0.2, 3.1)
long_x <- (37 * (1:25)) %% 101 + 20.5
long_y <- (53 * (1:30)) %% 97
cycles <- c(3, 3, 3, 4, 4)
ties_x <- c(3, 5, 5, 8, 9)
ties_y <- c(1, 2, 2, 4, 5, 6, 7, 3, 0, 1)
out <- function(name, value, call) cat(sprintf('%s,%.12g,"%s"\n', name, value, call))
cat("name,value,call\n")
two <- function(name, x, y, call, exact) {
  test <- suppressWarnings(wilcox.test(x, y, exact = exact, correct = FALSE, conf.int = TRUE))
  out(paste0(name, ".p"), test$p.value, call)
  out(paste0(name, ".estimate"), test$estimate, call)
  out(paste0(name, ".lower"), test$conf.int[1], call)
  out(paste0(name, ".upper"), test$conf.int[2], call)
}
two("alt.exact", alt_sirt, alt_lu, "wilcox.test(alt_sirt, alt_lu, exact=TRUE, conf.int=TRUE)", TRUE)
two("small.exact", small_x, small_y, "wilcox.test(small_x, small_y, exact=TRUE, conf.int=TRUE)", TRUE)
two("long.exact", long_x, long_y, "wilcox.test(long_x, long_y, exact=TRUE, conf.int=TRUE)", TRUE)
out("alt.asymptotic.p", wilcox.test(alt_sirt, alt_lu, exact = FALSE, correct = FALSE)$p.value,
    "wilcox.test(alt_sirt, alt_lu, exact=FALSE, correct=FALSE)")
out("ties.asymptotic.p", wilcox.test(ties_x, ties_y, exact = FALSE, correct = FALSE)$p.value,
    "wilcox.test(ties_x, ties_y, exact=FALSE, correct=FALSE)")
interval <- t.test(cycles)$conf.int
out("cycles.t.lower", interval[1], "t.test(cycles)$conf.int")
out("cycles.t.upper", interval[2], "t.test(cycles)$conf.int")
for (u in c(0, 8, 20, 77)) out(sprintf("pwilcox.5.31.%d", u), pwilcox(u, 5, 31), "pwilcox(u, 5, 31)")
out("pwilcox.20.20.130", pwilcox(130, 20, 20), "pwilcox(130, 20, 20)")
binomial <- binom.test(9, 36)$conf.int
out("binom.lower", binomial[1], "binom.test(9, 36)$conf.int")
out("binom.upper", binomial[2], "binom.test(9, 36)$conf.int")
