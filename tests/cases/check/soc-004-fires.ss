Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=811,fd=3))
tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=811,fd=3))
tcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=901,fd=3),("nginx",pid=900,fd=3))
tcp LISTEN 0 128 [::]:80 [::]:* users:(("nginx",pid=901,fd=3),("nginx",pid=900,fd=3))
tcp LISTEN 0 128 127.0.0.1:9999 0.0.0.0:* users:(("nc",pid=5,fd=3))
udp UNCONN 0 0 127.0.0.1:323 0.0.0.0:* users:(("chronyd",pid=500,fd=5))
udp UNCONN 0 0 [::1]:323 [::]:* users:(("chronyd",pid=500,fd=6))
