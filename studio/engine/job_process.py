"""The process of one job: `python -m studio.engine.job_process JOB_ID`, with the settings in the environment."""

from studio.engine.engines import leave
from studio.engine.jobs import child
from studio.engine.studio import RUNNER

if __name__ == "__main__":
    leave(child.main(RUNNER))
